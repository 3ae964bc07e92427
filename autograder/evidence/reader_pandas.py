"""Decode pandas' types: the opposite of `encoder_pandas`. pandas is imported when the first such value arrives."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.errors import AutograderError
from autograder.evidence.reader_leaves import DamageError
from autograder.evidence.reader_types import attempt, parts, typed, values

NAMES = (
    *(
        "BooleanArray",
        "Categorical",
        "DataFrame",
        "DatetimeArray",
        "ExtensionDtype",
        "FloatingArray",
        "Index",
        "IntegerArray",
    ),
    *("MultiIndex", "RangeIndex", "Series", "StringArray", "ArrowStringArray", "Timedelta", "Timestamp"),
)
CONSTANTS = ("pandas.NA", "pandas.NaT")
TYPES = ("pandas.DataFrame", "pandas.Series", "pandas.Index", "pandas.Timestamp", "pandas.Timedelta")
_FREQUENCY = re.compile(r"-?[0-9]{0,6}[A-Za-z]{1,8}(?:-[A-Z]{3})?")
_WHAT = "a pandas object of unknown form"


class NoPandasError(AutograderError):
    """A pandas object was sent, but pandas is not installed here."""


def _pandas() -> Any:
    try:
        import pandas
    except ImportError:
        raise NoPandasError from None
    return pandas


def named(name: str) -> Any:
    """Return one of CONSTANTS or TYPES."""
    return getattr(_pandas(), name.removeprefix("pandas."))


def read(tag: str, reader: Any, body: Any, depth: int) -> Any:
    """Return the value with one of NAMES as its tag."""
    pandas = _pandas()
    return attempt(lambda: _READ[tag](pandas, reader, body, depth), _WHAT)


def _masked(kind: str) -> Callable[..., Any]:
    def convert(pandas: Any, reader: Any, body: Any, depth: int) -> Any:
        data, mask = (typed(part, np.ndarray) for part in values(reader, body, depth, 2))
        return getattr(pandas.arrays, kind)(data, mask)

    return convert


def _categorical(pandas: Any, reader: Any, body: Any, depth: int) -> Any:
    categories, codes, ordered = values(reader, body, depth, 3)
    if not isinstance(categories, pandas.Index):
        raise DamageError(_WHAT)
    return pandas.Categorical.from_codes(typed(codes, np.ndarray), categories, ordered=typed(ordered, bool))


def _strings(pandas: Any, reader: Any, body: Any, depth: int) -> Any:
    storage, missing, texts = values(reader, body, depth, 3)
    for text in typed(texts, list):
        typed(text, str, type(None))
    na_value = pandas.NA if typed(missing, bool) else np.nan
    try:
        dtype = pandas.StringDtype(typed(storage, str), na_value=na_value)
    except ImportError:  # pyarrow
        dtype = pandas.StringDtype("python", na_value=na_value)
    return pandas.array(texts, dtype=dtype)


def _dates(pandas: Any, reader: Any, body: Any, depth: int) -> Any:
    data, zone = values(reader, body, depth, 2)
    if typed(data, np.ndarray).dtype.kind != "M":
        raise DamageError(_WHAT)
    index = pandas.DatetimeIndex(data)
    return index.array if zone is None else index.tz_localize("UTC").tz_convert(_zone(zone)).array


def _zone(zone: Any) -> Any:
    if type(zone).__name__ not in ("timezone", "ZoneInfo"):
        raise DamageError("an unknown time zone")
    return zone


def _timestamp(pandas: Any, reader: Any, body: Any, depth: int) -> Any:
    when, zone = values(reader, body, depth, 2)
    stamp = pandas.Timestamp(typed(when, np.datetime64))
    return stamp if zone is None else stamp.tz_localize("UTC").tz_convert(_zone(zone))


def _timedelta(pandas: Any, reader: Any, body: Any, depth: int) -> Any:
    return pandas.Timedelta(typed(*values(reader, body, depth, 1), np.timedelta64))


def _range(pandas: Any, reader: Any, body: Any, depth: int) -> Any:
    start, stop, step, name = values(reader, body, depth, 4)
    return pandas.RangeIndex(*(typed(end, int) for end in (start, stop, step)), name=name)


def _multi(pandas: Any, reader: Any, body: Any, depth: int) -> Any:
    levels, codes, names = values(reader, body, depth, 3)
    if not all(isinstance(level, pandas.Index) for level in typed(levels, list)):
        raise DamageError(_WHAT)
    return pandas.MultiIndex(levels, [typed(one, np.ndarray) for one in typed(codes, list)], names=typed(names, list))


def _column(pandas: Any, value: Any) -> Any:
    """Return a column's data, which is an array of one axis."""
    if type(value) is not np.ndarray and not isinstance(value, pandas.api.extensions.ExtensionArray):
        raise DamageError(_WHAT)
    if value.ndim != 1:
        raise DamageError(_WHAT)
    return value


def _dtype(pandas: Any, reader: Any, body: Any, depth: int) -> Any:
    return _column(pandas, *values(reader, body, depth, 1)).dtype


def _index(pandas: Any, reader: Any, body: Any, depth: int) -> Any:
    data, name, frequency = values(reader, body, depth, 3)
    column = _column(pandas, data)
    index = pandas.Index(column, dtype=column.dtype, name=name)
    if frequency is None:
        return index
    if not _FREQUENCY.fullmatch(typed(frequency, str)) or column.dtype.kind not in "mM":
        raise DamageError(_WHAT)
    return type(index)(index, freq=frequency)


def _series(pandas: Any, reader: Any, body: Any, depth: int) -> Any:
    data, index, name = values(reader, body, depth, 3)
    if not isinstance(index, pandas.Index):
        raise DamageError(_WHAT)
    column = _column(pandas, data)
    return pandas.Series(column, index=index, name=name, dtype=column.dtype)


def _frame(pandas: Any, reader: Any, body: Any, depth: int) -> Any:
    rows, names, columns = parts(body, 3)
    index, head = reader.value(rows, depth), reader.value(names, depth)
    if not isinstance(index, pandas.Index) or not isinstance(head, pandas.Index) or not isinstance(columns, list):
        raise DamageError(_WHAT)
    data = [_column(pandas, reader.value(column, depth)) for column in columns]
    series = {
        number: pandas.Series(column, index=index, dtype=column.dtype, copy=False) for number, column in enumerate(data)
    }
    frame = pandas.DataFrame(series, index=index)
    frame.columns = head
    return frame


_READ: dict[str, Callable[..., Any]] = {
    **{kind: _masked(kind) for kind in ("BooleanArray", "FloatingArray", "IntegerArray")},
    **dict.fromkeys(("StringArray", "ArrowStringArray"), _strings),
    "Categorical": _categorical,
    "DataFrame": _frame,
    "DatetimeArray": _dates,
    "ExtensionDtype": _dtype,
    "Index": _index,
    "MultiIndex": _multi,
    "RangeIndex": _range,
    "Series": _series,
    "Timedelta": _timedelta,
    "Timestamp": _timestamp,
}
