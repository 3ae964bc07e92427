"""Values of the closed list cross as themselves; damaged texts of them are refused; sizes are bounded by bytes."""

import collections
import datetime
import decimal
import enum
import fractions
import json
import pathlib
import struct
import sys
import time
import typing
import uuid
import zoneinfo
from typing import Any

import numpy as np
import numpy.ma
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder.errors import EvidenceError
from autograder.evidence import reader, reader_pandas, reader_types
from autograder.evidence.decoder import decode, decode_all
from autograder.evidence.display import display
from autograder.evidence.encoder import Encoder, encode, encode_all
from autograder.evidence.kernel_source import kernel_source
from autograder.evidence.reader import Reader
from autograder.evidence.reader_leaves import DamageError

STEADY = settings(deadline=None, derandomize=True, database=None)
DAMAGED = "q3: the answer could not be read ({}); restart the kernel and run every cell."

Shape = collections.namedtuple("Shape", "batch units")


class Typed(typing.NamedTuple):
    name: str
    size: int = 3


class Colour(enum.Enum):
    RED = 1
    DARK = ("a", 2.5)
    CRIMSON = 1  # noqa: PIE796


class Level(enum.IntEnum):
    LOW = 3


class Word(enum.StrEnum):
    H = "h"


class Flags(enum.Flag):
    A = 1
    B = 2


class Bits(enum.IntFlag):
    A = 1
    B = 2


def cross(value: Any) -> Any:
    return decode(encode(value), "q3")


def moved() -> Any:
    ordered = collections.OrderedDict(a=1, b=2)
    ordered.move_to_end("a")
    return ordered


def odd_counter() -> Any:
    return collections.Counter({"h": -2, "c": 0})


BUILT_IN = (
    *(b"", b"a\0\xff", bytearray(b"abc"), NotImplemented, range(1, 9, 2), range(10**30, 0, -1), slice(None, "a", 2)),
    *({"h": len}.keys(), {"h": [1]}.values(), {"h": 1, (1, 2): None}.items(), dict.fromkeys(range(20)).keys()),
)
LIBRARY = (
    *(Shape(1, [2]), Typed("h"), odd_counter(), moved(), collections.defaultdict(list, a=[1])),
    *(collections.defaultdict(None, a=1), collections.deque([1, [2]], 3), collections.deque()),
    *(pathlib.Path("a/b.txt"), pathlib.PurePosixPath("/x"), pathlib.PureWindowsPath("c:\\x")),
    *(datetime.date(2020, 2, 29), datetime.datetime(1, 1, 1, 2, 3, 4, 5), datetime.time(23, 59, fold=1)),
    datetime.datetime(2020, 10, 25, 2, 30, fold=1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")),
    datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC),
    datetime.timezone(datetime.timedelta(hours=-5, minutes=30), "EST"),
    *(datetime.timedelta(-1, 5, 7), zoneinfo.ZoneInfo("UTC")),
    *map(decimal.Decimal, ("1.10", "-0", "1E+999999", "NaN", "sNaN12", "-Infinity")),
    *(fractions.Fraction(-2, 6), uuid.UUID(int=255)),
)
CLASSES = (float, list, ValueError, type(None), np.float64, np.ndarray, pathlib.Path, collections.Counter, pd.DataFrame)
RECORDS = np.dtype([("a", "i4"), ("b", "f8", (2,)), ("c", [("d", "U3"), ("e", "M8[s]")])])
NUMPY = (
    *(np.float32(1.5), np.int64(3), np.uint8(7), np.bool_(True), np.complex64(1j), np.str_("h\0"), np.bytes_(b"h\0")),
    *(np.datetime64("2020-01-02T03", "h"), np.datetime64("NaT"), np.timedelta64(3, ("s", 25)), np.timedelta64(3)),
    *(np.array(3), np.array(2.5, "f4"), np.array("abc"), np.array(["a", "", "ü"]), np.array([b"a", b"bc"])),
    *(np.array(["2020-01"], "M8[M]"), np.zeros(2, RECORDS), np.zeros((), RECORDS), np.zeros(2, RECORDS)[0]),
    *(np.array([[1, "b"], [None, [2]]], object), np.array([[1, 2]]).view(np.matrix), np.zeros((0, 2), "U1")),
    *(numpy.ma.masked_array([1, 2], [True, False]), numpy.ma.masked_array([1.5], fill_value=9), numpy.ma.masked),
    *(np.dtype("f4"), np.dtype("U5"), np.dtype("M8[ns]"), np.dtype([("a", "i4")])),
)
DAYS = pd.date_range("2020-03-01", periods=3, freq="MS", tz="Europe/Berlin")
FRAME = pd.DataFrame({"a": [1, 2, None], "b": ["x", None, "z"], "c": pd.Categorical(["u", "v", "u"]), "d": DAYS})
PANDAS = (
    *(pd.NA, pd.NaT, pd.Timestamp("2020-01-01 3:00"), pd.Timestamp("2020-01-01", tz="Europe/Berlin")),
    *(pd.Timestamp("2020-01-01", tz="UTC"), pd.Timedelta("3h"), pd.Index([1, 2]), pd.Index(["a", None], name="n")),
    *(pd.Index([1, "a"], dtype=object), pd.RangeIndex(1, 9, 2, name="r"), DAYS, pd.timedelta_range("1h", periods=3)),
    pd.MultiIndex.from_product([[1, 2], ["a", "b"]], names=["x", None]),
    *(pd.CategoricalIndex(["a", "b", "a"], ordered=True), pd.Series([1, 2], name=("a", 1)), pd.Series(["a", None])),
    *(pd.Series(["a", 1, None, datetime.date(2020, 1, 1)], dtype=object), pd.Series([1, None], dtype="Int64")),
    *(pd.Series([True, None], dtype="boolean"), pd.Series([1.5, None], dtype="Float32"), pd.Series(DAYS)),
    *(pd.Series(["a", None], dtype="string"), pd.Series(pd.to_timedelta(["1h", None])), pd.Series([], dtype="int8")),
    *(FRAME, FRAME.dropna(), FRAME.describe(), FRAME.dtypes, FRAME.groupby("b")[["a"]].agg(["sum", "mean"])),
    *(pd.DataFrame(), pd.DataFrame(index=["r"]), pd.DataFrame([[1, 2]], columns=["a", "a"])),
    pd.DataFrame({"words": [["a"], []]}),
)
ALL = (*BUILT_IN, *LIBRARY, *CLASSES, *NUMPY, *PANDAS)


@pytest.mark.parametrize("value", ALL, ids=lambda value: type(value).__name__)
def test_a_value_crosses_as_itself(value: Any) -> None:
    found = cross(value)
    if "odict" not in type(value).__name__ and type(value) not in (Shape, Typed):
        assert type(found) is type(value)
    assert repr(found) == repr(value) or isinstance(value, type({}.values()))
    assert encode(found) == encode(value)


@pytest.mark.parametrize("value", [one for one in PANDAS if isinstance(one, pd.Series | pd.DataFrame | pd.Index)])
def test_tables_are_equal_for_pandas_too(value: Any) -> None:
    kind = "frame" if isinstance(value, pd.DataFrame) else "series" if isinstance(value, pd.Series) else "index"
    getattr(pd.testing, f"assert_{kind}_equal")(cross(value), value)


def test_constants_and_classes_are_the_same_objects() -> None:
    for value in (NotImplemented, pd.NA, pd.NaT, numpy.ma.masked, *CLASSES):
        assert cross(value) is value
        assert cross([value]) == [value] or value is pd.NA or value is pd.NaT or value is numpy.ma.masked


def test_a_namedtuple_has_its_fields_and_one_class_for_each_definition() -> None:
    found = cross([Shape(1, 2), Shape(3, 4)])
    assert (found[0].batch, found[1].units, type(found[0]).__name__) == (1, 4, "Shape")
    assert found == [(1, 2), (3, 4)]
    assert type(found[0]) is type(cross(Shape(5, 6)))
    assert type(found[0]) is not type(cross(Typed("h")))


@pytest.mark.parametrize("member", [*Colour, Level.LOW, Word.H, Flags.A, Flags.A | Flags.B, Flags(0), Bits.A | Bits.B])
def test_a_member_of_an_enum_has_its_name_and_value(member: Any) -> None:
    found = cross(member)
    assert (found.name, found.value) == (member.name, member.value)
    assert [type(found).__name__, *type(found).__members__] == [type(member).__name__, *type(member).__members__]
    assert found is cross([member])[0]
    assert isinstance(found, type(member).__bases__)


def test_an_enum_that_defines_more_is_its_plain_base_class() -> None:
    class Doubled(enum.IntEnum):
        ONE = 1

        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = enum.IntEnum.__hash__

    assert type(cross(Doubled.ONE)) is int


def test_a_counter_and_a_defaultdict_work_on() -> None:
    assert cross(collections.Counter("hello")).most_common(1) == [("l", 2)]
    assert cross(collections.defaultdict(int))["new"] == 0
    assert cross(collections.deque([1], 1)).maxlen == 1


HASHABLE = (
    st.integers()
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary()
    | st.decimals().filter(lambda number: not number.is_snan())  # it has no hash
    | st.fractions()
    | st.uuids()
    | st.dates()
    | st.datetimes(timezones=st.none() | st.timezones())
    | st.times()
    | st.timedeltas()
    | st.builds(range, st.integers(), st.integers(), st.integers(1))
)
UNITS = st.sampled_from(["D", "s", "ns", "M"])
DTYPES = (
    hnp.scalar_dtypes().filter(lambda dtype: dtype.kind not in "V" and dtype.itemsize > 0 and "long" not in dtype.name)
    | hnp.array_dtypes(hnp.integer_dtypes() | hnp.unicode_string_dtypes(max_len=3), max_size=2)
    | UNITS.map(lambda unit: np.dtype(f"M8[{unit}]"))
).filter(lambda dtype: "128" not in str(dtype) or dtype.name == "complex128")
ARRAYS = DTYPES.filter(lambda dtype: dtype.str[1:] not in ("f16", "c32")).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
)
COLUMNS = st.sampled_from([1, None, "a", 2.5, datetime.date(2020, 1, 1), decimal.Decimal(1)])
VALUES = st.recursive(
    HASHABLE
    | ARRAYS
    | ARRAYS.filter(lambda array: array.size > 0 and array.dtype.kind != "V").map(lambda array: array.flat[0])
    | st.lists(COLUMNS, max_size=4).map(lambda cells: pd.Series(cells, dtype=object))
    | st.integers(0, len(ALL) - 1).map(ALL.__getitem__),  # some have no hash, which sampled_from needs
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=20).map(collections.deque)
        | st.dictionaries(HASHABLE, inner, max_size=20).map(collections.OrderedDict)
        | st.dictionaries(HASHABLE, inner, max_size=3).map(dict.items)
        | st.tuples(inner, inner).map(Shape._make)
        | st.tuples(inner, inner, inner).map(lambda ends: slice(*ends))
    ),
    max_leaves=8,
)


def whole(value: Any) -> bool:
    """Return whether text in the value has whole characters only."""
    try:
        encode(value)
    except ValueError:
        return False
    return True


@settings(STEADY, max_examples=200)
@given(VALUES.filter(whole))
def test_every_value_of_the_list_crosses(value: Any) -> None:
    text = encode(value)
    assert encode(decode(text)) == text


TAGS = sorted({*reader.LEAVES, *reader.CONTAINERS, *reader.EMPTY, *reader_types.WRAPPERS})
PIECES = st.sampled_from(
    ["", "1", "-1", "0,0", "-", "a b", "Enum", "Shape", "2020,1,2", "UTC", "int8 1 AA==", "AA==", "U1 1 AAAAAA=="]
)
NODES = st.recursive(
    st.none() | st.booleans() | PIECES | st.tuples(st.sampled_from(TAGS), PIECES).map(list),
    lambda inner: (
        st.tuples(st.sampled_from(TAGS), st.lists(inner, max_size=5)).map(list)
        | st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["int64", "float64", "a"]), inner, max_size=2)
    ),
    max_leaves=20,
)


def spoilt(parts: tuple[Any, int, int, str]) -> str:
    text, start, length, patch = parts
    start %= len(text) + 1
    return str(text[:start] + patch + text[start + length :])


MUTANTS = st.tuples(
    st.sampled_from([encode(one) for one in ALL]),
    st.integers(0, 900),
    st.integers(0, 12),
    st.text('[]{},"-01aZ', max_size=4),
).map(spoilt)


@settings(STEADY, max_examples=1000)
@given(NODES.map(json.dumps) | MUTANTS)
def test_any_damaged_text_gives_a_value_or_an_evidence_error(text: str) -> None:
    try:
        decode(text, "q3")
    except EvidenceError as error:
        assert str(error).startswith("q3: the answer could not be read (")  # noqa: PT017


@pytest.mark.parametrize(
    ("node", "why"),
    [
        (["constant", "quit"], "an unknown constant"),
        (["type", "builtins.eval"], "an unknown type"),
        (["type", "os.system"], "an unknown type"),
        (["path", "Popen a"], "an unknown tag"),
        (["zone", "../../etc/passwd"], "an unknown time zone"),
        (["zone", "Europe/Atlantis"], "an unknown time zone"),
        (["date", "2020,2,30"], "a date that does not exist"),
        (["date", "today"], "a date that is not numbers"),
        (["datetime", ["2020,1,1,25,0,0,0,0", None]], "a date that does not exist"),
        (["datetime", ["2020,1,1,2,0,0,0,0", "UTC"]], "a part of another type"),
        (["time", ["25,0,0,0,0", None]], "a time that does not exist"),
        (["timedelta", "9999999999,0,0"], "a time that does not exist"),
        (["timezone", []], "a value of unknown form"),
        (["timezone", [["timedelta", "2,0,0"]]], "an unknown time zone"),
        (["Decimal", "1_0"], "not a Decimal"),
        (["Fraction", [["int", "1"], ["int", "0"]]], "not a Fraction"),
        (["UUID", "g" * 32], "not a UUID"),
        (["bytes", "*"], "a text of bytes that is not base64"),
        (["range", [["int", "1"], ["int", "1"], ["int", "0"]]], "a range of nothing"),
        (["namedtuple", ["A", "__class__", [None]]], "a key that is not a name"),
        (["namedtuple", ["A", "a a", [None, None]]], "a key that is not a name"),
        (["namedtuple", ["class", "a", [None]]], "a key that is not a name"),
        (["namedtuple", ["A", "a", []]], "a namedtuple of another length"),
        (["defaultdict", ["eval", [], []]], "an unknown factory"),
        (["deque", [["int", "-1"], []]], "a length that is negative"),
        (["enum", ["Base", "A", "B", [None], None]], "an unknown Enum"),
        (["enum", ["IntEnum", "A", "B", ["b"], "b"]], "an unknown Enum"),
        (["enum", ["Enum", "A", "mro", [None], None]], "an unknown Enum"),
        (["enum", ["Enum", "A", "B", [None], "other"]], "an unknown member"),
        (["records", ["1"]], "an array without fields"),
        (["records", ["1", "a", ["array", "int8 2 AAA="]]], "an array whose shape and fields differ"),
        (["records", ["1", "a", ["array", "int8 1 AA=="], "a", ["array", "int8 1 AA=="]]], "a duplicate name"),
        (["objects", ["2", [None]]], "an array whose shape and items differ"),
        (["matrix", [["array", "int8 1 AA=="]]], "a matrix that is not one"),
        (["masked", [None, None, ["array", "int8 - AA=="]]], "a masked array without data"),
        (
            ["masked", [["array", "int8 1 AA=="], ["array", "bool 2 AAA="], ["array", "int8 - AA=="]]],
            "a mask of another shape",
        ),
        (["scalar", [["array", "int8 1 AA=="]]], "a scalar with axes"),
        (["array", "U1 1 ANgAAA=="], "half a character"),
        (["array", "U1 1 /////w=="], "half a character"),
        (["list", {"int64": "AA=="}], "a list whose bytes are not whole numbers"),
        (["list", {"int8": ""}], "a value of unknown form"),
        (["Series", [None, None, None]], "a pandas object of unknown form"),
        (["RangeIndex", [["int", "0"], ["int", "1"], ["int", "0"], None]], "a pandas object of unknown form"),
        (["DatetimeArray", [["array", "M8[s] 1 AAAAAAAAAAA="], "UTC"]], "an unknown time zone"),
    ],
    ids=lambda value: json.dumps(value)[:40],
)
def test_a_damaged_value_is_refused_in_one_sentence(node: Any, why: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        decode(json.dumps(node), "q3")
    assert str(caught.value) == DAMAGED.format(why)


def test_wrappers_in_wrappers_are_refused() -> None:
    with pytest.raises(EvidenceError, match="nested too deeply"):
        decode('["dtype", [' * 700 + "null" + "]]" * 700)


def test_without_pandas_one_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    text = encode_all({"q3": pd.Series([1]), "q4": 1}, ["q3", "q4"], {})
    monkeypatch.setitem(sys.modules, "pandas", None)
    found = decode_all(text)
    sentence = (
        "q3: a pandas object cannot be read where answers are graded; ask your instructor to install pandas there."
    )
    assert (found["q3"].sentence, found["q4"].value) == (sentence, 1)
    with pytest.raises(EvidenceError) as caught:
        decode('["constant", "pandas.NA"]', "q3")
    assert str(caught.value) == sentence


def test_pandas_is_imported_only_for_its_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_pandas, "_pandas", lambda: pytest.fail("imported"))
    for value in (*BUILT_IN, *LIBRARY, *NUMPY):
        cross(value)


def test_the_source_for_the_kernel_has_the_rarer_types() -> None:
    kernel: dict[str, Any] = {"__name__": "encoder"}
    exec(kernel_source(), kernel)
    for value in ALL:
        assert kernel["encode"](value) == encode(value)


M = 2**61 - 1  # ints that differ by a multiple have one hash


def test_honest_tables_of_any_size_cross_fast() -> None:
    tables: tuple[Any, ...] = (
        {f"key {number}": number for number in range(100_000)},
        {(number % 7, number): [number] for number in range(100_000)},
        {number / 8: 1 for number in range(100_000)},
        {2**number for number in range(10_000)},
        {number << 40 for number in range(100_000)},
        list(range(1_000_000)),
        [1.5] * 1_000_000,
        ["a"] * 1_000_000,
    )
    for table in tables:
        before = time.process_time()
        assert cross(table) == table
        assert time.process_time() - before < 10  # about 1 s on an idle machine


@STEADY
@given(st.sets(st.integers(1, 2**60), min_size=201, max_size=230), st.integers(0, M - 1))
def test_keys_with_one_hash_are_refused(factors: set[int], rest: int) -> None:
    keys = [factor * M + rest for factor in factors]
    for tag, body in (
        ("set", [["int", f"{key:x}"] for key in keys[:]]),
        ("dict", [[["int", f"{key:x}"] for key in keys], [None] * len(keys)]),
        ("set", [["tuple", [["int", f"{key:x}"]]] for key in keys]),
    ):
        with pytest.raises(EvidenceError, match="too many keys with one hash"):
            decode(json.dumps([tag, body]))
    assert len(decode(json.dumps(["set", [["int", f"{key:x}"] for key in keys[:200]]]))) == 200


def probing(count: int, bits: int) -> list[int]:
    """Return ints whose places in a table of 2**bits entries are taken from the first to the last probe."""
    mask, place, run = (1 << bits) - 1, 0, []
    for _ in range(count // 2):
        place = (5 * place + 1) & mask
        run.append(place)
    taken, more = set(run), []
    for high in range(1, 40 * count):
        number = perturb = run[high % 8] + (high << bits)
        at = number & mask
        while perturb and at in taken:
            perturb >>= 5
            at = (5 * at + perturb + 1) & mask
        if at in taken:
            more.append(number)
        if len(more) == count // 2:
            break
    return run + more


def test_chosen_places_in_a_table_take_a_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = probing(40_000, 17)
    before = time.process_time()
    try:
        decode(encode(dict.fromkeys(keys)))
    except EvidenceError as error:
        assert "keys with colliding hashes" in str(error)  # noqa: PT017
    assert time.process_time() - before < 15
    monkeypatch.setattr(reader, "MAX_SECONDS", -1.0)
    with pytest.raises(EvidenceError, match="keys with colliding hashes"):
        decode(encode({1: 2}))


class Referring(Encoder):
    def __init__(self) -> None:
        super().__init__()
        self.known: dict[int, Any] = {}

    def other(self, value: Any, kind: type, path: tuple[int, ...]) -> Any:
        return ["reference", kind.__name__]

    def container(self, value: Any, tag: str, path: tuple[int, ...], parts: Any) -> Any:
        if id(value) in self.known:
            return ["same", str(list(self.known).index(id(value)))]
        self.known[id(value)] = value
        return super().container(value, tag, path, parts)


class Resolving(Reader):
    def __init__(self) -> None:
        super().__init__()
        self.known: list[Any] = []

    def unknown(self, tag: str, body: Any, depth: int) -> Any:
        return (
            self.known[int(body)]
            if tag == "same"
            else f"<{body}>"
            if tag == "reference"
            else super().unknown(tag, body, depth)
        )

    def made(self, tag: str, body: Any, depth: int) -> Any:
        if tag not in reader.EMPTY:
            return super().made(tag, body, depth)
        value = reader.EMPTY[tag]()
        self.known.append(value)
        self.fill(value, body, depth)
        return value


def test_subclasses_can_add_references_and_identities() -> None:
    rows: list[Any] = [object()]
    rows.append({"rows": rows})
    found = Resolving().value(json.loads(Referring().encode(rows)), 0)
    assert found[0] == "<object>"
    assert found[1]["rows"] is found
    with pytest.raises(DamageError, match="an unknown tag"):
        Resolving().value(["other", ""], 0)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (np.float64(3.0), "3.0"),
        (np.float32(0.5), "0.5"),
        (np.int64(3), "3"),
        (np.str_("h"), "'h'"),
        (np.array(3), "3"),
        (np.bool_(True), "True"),
        (np.datetime64("2020-01-02"), "2020-01-02"),
        ([np.int64(3), (np.float64(1.5),)], "[3, (1.5,)]"),
        (FRAME, "DataFrame of shape (3, 4)"),
        (pd.Series([1]), "Series of shape (1,)"),
        (collections.Counter("hh"), "{'h': 2}"),
    ],
    ids=repr,
)
def test_values_are_displayed_as_people_write_them(value: Any, shown: str) -> None:
    assert display(value) == shown


def test_floats_keep_their_bits() -> None:
    floats = [struct.unpack("d", struct.pack("Q", 0x7FF0000000000001 + number))[0] for number in range(20)]
    assert struct.pack("20d", *cross(floats)) == struct.pack("20d", *floats)
