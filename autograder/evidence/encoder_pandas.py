"""Encode pandas' types; this text runs in the kernel, like `encoder`, and only where pandas is loaded.

Only these types themselves are encoded, not their subclasses. `reader_pandas` has the opposite functions.
"""

from collections.abc import Callable
from typing import Any

Path = tuple[int, ...]


def table(pandas: Any) -> dict[int, Callable[..., Any]]:
    """Return the functions by the negative id of a type, which says that a subclass is not converted."""
    kinds: dict[Any, Callable[..., Any]] = {
        type(pandas.NA): lambda encoder, value, path: ["constant", "pandas.NA"],
        type(pandas.NaT): lambda encoder, value, path: ["constant", "pandas.NaT"],
        pandas.Timestamp: to_timestamp,
        pandas.Timedelta: lambda encoder, value, path: ["Timedelta", [encoder.tree(value.asm8, path)]],
        pandas.RangeIndex: to_range,
        pandas.MultiIndex: to_multi,
        **dict.fromkeys((pandas.Index, pandas.CategoricalIndex), to_index),
        **dict.fromkeys((pandas.DatetimeIndex, pandas.TimedeltaIndex), to_index),
        pandas.Series: to_series,
        pandas.DataFrame: to_frame,
        **dict.fromkeys((pandas.Categorical, pandas.arrays.DatetimeArray, pandas.arrays.TimedeltaArray), to_column),
        **dict.fromkeys((pandas.arrays.IntegerArray, pandas.arrays.FloatingArray), to_column),
        **dict.fromkeys((pandas.arrays.BooleanArray, pandas.arrays.StringArray), to_column),
    }
    own = ("Categorical", "String", "DatetimeTZ", "Boolean", "Float32", "Float64")
    sized = (f"{sign}{bits}" for sign in ("Int", "UInt") for bits in (8, 16, 32, 64))
    kinds |= dict.fromkeys((getattr(pandas, f"{name}Dtype") for name in (*own, *sized)), to_dtype)
    return {-id(kind): function for kind, function in kinds.items()}


def to_dtype(encoder: Any, value: Any, path: Path) -> Any:
    """Encode a dtype as an empty column of it."""
    empty = value.construct_array_type()._from_sequence([], dtype=value)
    return ["ExtensionDtype", [to_column(encoder, empty, path)]]


def to_timestamp(encoder: Any, value: Any, path: Path) -> Any:
    """Encode a Timestamp: its time in UTC, and its time zone."""
    return ["Timestamp", [encoder.tree(value.asm8, path), encoder.tree(value.tzinfo, path)]]


def to_column(encoder: Any, array: Any, path: Path) -> Any:
    """Encode a column's array, of NumPy's dtypes or one of pandas' own."""
    kind = type(array).__name__
    if kind == "Categorical":
        parts = [array.categories, array.codes, array.ordered]
    elif kind in ("IntegerArray", "FloatingArray", "BooleanArray"):
        parts = [array._data, array._mask]
    elif "StringArray" in kind and type(array.dtype).__name__ == "StringDtype":
        missing = array.isna()
        texts = [None if gone else str(text) for text, gone in zip(array, missing, strict=True)]
        parts = [array.dtype.storage, type(array.dtype.na_value).__name__ == "NAType", texts]
    elif kind == "DatetimeArray":
        parts = [array._ndarray, array.tz]
    elif kind == "TimedeltaArray":
        return encoder.tree(array._ndarray, path)
    elif kind in ("NumpyExtensionArray", "PandasArray"):
        return encoder.tree(array.to_numpy(), path)
    else:
        return encoder.refuse("dtype", str(array.dtype)[:60])
    return encoder.container(array, kind, path, lambda inside: [encoder.tree(part, inside) for part in parts])


def to_range(encoder: Any, value: Any, path: Path) -> Any:
    """Encode a RangeIndex."""
    parts = (value.start, value.stop, value.step, value.name)
    return encoder.container(value, "RangeIndex", path, lambda inside: [encoder.tree(part, inside) for part in parts])


def to_multi(encoder: Any, value: Any, path: Path) -> Any:
    """Encode a MultiIndex: its levels, codes and names."""
    parts = [list(value.levels), [codes.astype("int64") for codes in value.codes], list(value.names)]
    return encoder.container(value, "MultiIndex", path, lambda inside: [encoder.tree(part, inside) for part in parts])


def to_index(encoder: Any, value: Any, path: Path) -> Any:
    """Encode an Index: its values, its name, and the frequency of dates."""
    frequency = getattr(value, "freqstr", None)
    return encoder.container(
        value,
        "Index",
        path,
        lambda inside: [
            to_column(encoder, value.array, inside),
            encoder.tree(value.name, inside),
            encoder.tree(frequency, inside),
        ],
    )


def to_series(encoder: Any, value: Any, path: Path) -> Any:
    """Encode a Series: its values, index and name."""
    return encoder.container(
        value,
        "Series",
        path,
        lambda inside: [
            to_column(encoder, value.array, inside),
            encoder.tree(value.index, inside),
            encoder.tree(value.name, inside),
        ],
    )


def to_frame(encoder: Any, value: Any, path: Path) -> Any:
    """Encode a DataFrame: its index, its columns' names, and each column."""
    return encoder.container(
        value,
        "DataFrame",
        path,
        lambda inside: [
            encoder.tree(value.index, inside),
            encoder.tree(value.columns, inside),
            [to_column(encoder, value.iloc[:, number].array, inside) for number in range(value.shape[1])],
        ],
    )
