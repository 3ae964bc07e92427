"""What crosses comes out as it went in; what does not is refused in one sentence; no text makes anything but data."""

import base64
import collections
import dataclasses
import datetime
import enum
import itertools
import json
import os
import pickle
import struct
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autograder.errors import EvidenceError
from autograder.evidence import decoder, refusals
from autograder.evidence.decoder import NOTHING, Found, decode, decode_all
from autograder.evidence.encoder import DTYPES, RefusedError, encode, encode_all
from autograder.evidence.kernel_source import kernel_source
from autograder.model import Reason

STEADY = settings(deadline=None, derandomize=True, database=None)
PLAIN = (type(None), bool, int, float, complex, str, tuple, list, dict, set, frozenset, type(...), np.ndarray)
DAMAGED = "q3: the answer could not be read ({}); restart the kernel and run every cell."
PLAINLY = "is not plain data; answer with its values, for example output.shape."
LISTED = "is not plain data; answer with a list, for example from .tolist()."
WHOLLY = "is not plain data; answer with whole characters."
LESS = "answer with less, for example output.shape."


def exact(value: Any) -> Any:
    """A hashable twin that tells 1 from True and 1.0, NaN from NaN by its bits, and 0.0 from -0.0."""
    kind = type(value)
    if kind in (float, complex):
        return kind, struct.pack("2d", value.real, value.imag)
    if kind in (list, tuple):
        return kind, tuple(map(exact, value))
    if kind in (set, frozenset):
        return kind, tuple(sorted(map(repr, map(exact, value))))
    if kind is dict:
        return kind, tuple((exact(key), exact(item)) for key, item in value.items())
    if kind is np.ndarray:
        return kind, value.dtype.newbyteorder("=").name, value.shape, value.astype(value.dtype.name).tobytes()
    return kind, value


def is_plain(value: Any) -> bool:
    if type(value) in (list, tuple, set, frozenset):
        return all(map(is_plain, value))
    if type(value) is dict:
        return all(is_plain(key) and is_plain(item) for key, item in value.items())
    return type(value) in PLAIN and (type(value) is not np.ndarray or value.dtype.name in DTYPES)


def cross(value: Any) -> Any:
    return decode(encode(value), "q3")


def refusal(value: Any) -> str:
    with pytest.raises(RefusedError) as caught:
        encode(value)
    return refusals.sentence("q3", Reason.NOT_PLAIN_DATA, (caught.value.kind, caught.value.of))


def damage(text: Any) -> str:
    with pytest.raises(EvidenceError) as caught:
        decode(text, "q3")
    return str(caught.value)


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**200), 2**200)
    | st.floats()
    | st.complex_numbers()
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.just(...)
)
KEYS = st.recursive(
    LEAVES, lambda inner: st.frozensets(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple), max_leaves=5
)
ORDERS: tuple[Literal["<", ">"], ...] = ("<", ">")
DTYPED = st.sampled_from([np.dtype(name).newbyteorder(order) for name in DTYPES for order in ORDERS])
ARRAYS = DTYPED.flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(max_dims=4, min_side=0, max_side=3)))
VALUES = st.recursive(
    LEAVES | ARRAYS | st.sets(KEYS, max_size=4) | st.frozensets(KEYS, max_size=4),
    lambda inner: (
        st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple) | st.dictionaries(KEYS, inner, max_size=4)
    ),
    max_leaves=12,
)


@STEADY
@given(VALUES)
@example([float("nan"), -0.0, float("inf"), -float("inf"), 5e-324, struct.unpack("d", b"\1\0\0\0\0\0\xf8\xff")[0]])
@example([("output", "h"), {"output", "h"}, {frozenset({"output", "h"})}, {frozenset({frozenset()}): ()}])
@example([2**10_000 - 1, -(2**10_000) + 1, 0, -1, True, 1, False, 10**3010])
@example(["", "\0", "c̃ 🐍 \u2028", '"\\', {}, set(), frozenset(), (), []])
@example([np.zeros((0, 3)), np.zeros((2, 0, 1), ">i2"), np.ones((1,) * 64), np.arange(12).reshape(3, 4).T[::-1, ::2]])
def test_what_crosses_comes_out_as_it_went_in(value: Any) -> None:
    assert exact(cross(value)) == exact(value)
    assert is_plain(cross(value))


def test_the_format_is_what_the_kernels_half_says() -> None:
    assert encode((1, None, -255)) == '["tuple", [["int", "1"], null, ["int", "-ff"]]]'
    assert encode({"h": ..., "c": [True]}) == '["dict", [["h", "c"], [["ellipsis", ""], ["list", [true]]]]]'
    packed = base64.b64encode(struct.pack("<16q", *range(16))).decode()
    assert encode((*range(16),)) == f'["tuple", {{"int64": "{packed}"}}]'
    assert encode({*range(16)}) == f'["set", {{"int64": "{packed}"}}]'
    assert encode([-0.0, 1j]) == f'["list", [["float", "8{"0" * 15}"], ["complex", "{"0" * 16}3ff{"0" * 13}"]]]'
    assert encode(np.array([[1, 258]], ">u2")) == '["array", "uint16 1,2 AQACAQ=="]'


def test_sets_are_told_in_one_order() -> None:
    orders = [set(order) for order in itertools.permutations(["output", "h", "c", (1, 2), 8])]
    assert len({encode(one) for one in orders}) == 1
    assert encode({"b", "a"}) == '["set", ["a", "b"]]'


def test_arrays_come_out_as_the_graders_own() -> None:
    array = cross(np.arange(3, dtype=">f4"))
    assert array.dtype == np.float32
    assert array.dtype.isnative
    assert array.flags.writeable
    assert array.flags.owndata


class Own(list):  # type: ignore[type-arg]
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None


class OwnCounter(collections.Counter):  # type: ignore[type-arg]
    pass


class Methods(enum.Enum):
    ONE = 1

    def double(self) -> int:
        return 2


class OwnDate(datetime.date):
    pass


@pytest.mark.parametrize(
    ("held", "crossed"),
    [
        (Own([1]), [1]),
        (OwnCounter("hh"), collections.Counter("hh")),
        (collections.defaultdict(lambda: 0, h=1), {"h": 1}),
        (np.longlong(3), np.int64(3)),
        (np.array(2.5, ">f2"), np.array(2.5, "f2")),
        (collections.OrderedDict(h=1).keys(), {"h": 1}.keys()),
        (np.array([1, 2]).view(np.recarray), np.array([1, 2])),
        (OwnDate(2020, 1, 2), datetime.date(2020, 1, 2)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_subclass_is_converted_to_its_nearest_base_class(held: Any, crossed: Any) -> None:
    found = cross(held)
    assert type(found) is type(crossed)
    assert exact(found) == exact(crossed) or isinstance(found, type({}.keys()))
    assert encode(found) == encode(crossed)


@pytest.fixture(scope="module")
def tf() -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import keras
        import tensorflow
    return SimpleNamespace(tensorflow=tensorflow, keras=keras)


@pytest.mark.tensorflow
def test_tensors_cross_as_arrays(tf: Any) -> None:
    flow, keras = tf.tensorflow, tf.keras
    rows = np.arange(6, dtype="float32").reshape(2, 3)
    for held in (flow.constant(rows), flow.Variable(rows), keras.Variable(rows), keras.ops.convert_to_tensor(rows)):
        assert exact(cross(held)) == exact(rows)
    for held in (flow.constant(3), flow.Variable(3), keras.Variable(3, dtype="int32")):
        assert exact(cross(held)) == exact(3)
    assert exact(cross(flow.constant([True]))) == exact(np.array([True]))
    assert exact(cross((flow.TensorShape([None, 3]), flow.constant(rows).shape))) == exact(((None, 3), (2, 3)))


@pytest.mark.tensorflow
def test_models_and_symbolic_tensors_are_refused(tf: Any) -> None:
    flow, keras = tf.tensorflow, tf.keras
    model = keras.Sequential([keras.Input((8, 2)), keras.layers.LSTM(3)])
    assert refusal(model) == f"q3: a Sequential object {PLAINLY}"
    assert refusal({"output": model.outputs[0]}) == f"q3: a KerasTensor object {PLAINLY}"
    assert refusal(flow.TensorShape(None)) == f"q3: a TensorShape object {PLAINLY}"
    assert cross(flow.constant("h")) == b"h"
    assert refusal(flow.constant(1.0, "bfloat16")) == f"q3: a bfloat16 object {PLAINLY}"
    small = f"an array of dtype bfloat16 {LISTED}"
    assert refusal(flow.constant([1.0], "bfloat16")) == f"q3: {small}"
    found = decode_all(encode_all({"model": model}, [], {"weights": "model.get_weights()"}))
    assert exact(found["weights"].value) == exact(model.get_weights())


@pytest.mark.tensorflow
def test_a_tensor_of_the_students_own_is_refused(tf: Any) -> None:
    kind: Any = type(tf.tensorflow.Variable(1.0))
    assert refusal(type("Mine", (kind,), {"numpy": lambda self: 3})(1.0)).startswith("q3: a Mine object is not plain")
    assert refusal(type("Mine", (tf.keras.Variable,), {"numpy": lambda self: 3})(1.0)).startswith("q3: a Mine object")


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (object(), f"an object object {PLAINLY}"),
        (len, f"a builtin_function_or_method object {PLAINLY}"),
        (Own, f"a type object {PLAINLY}"),
        ([{"h": iter([])}], f"a list_iterator object {PLAINLY}"),
        (np.array([1], np.longdouble), f"an array of dtype {np.dtype(np.longdouble)} {LISTED}"),
        (np.array(["\ud800"]), f"a str with half a character (a lone surrogate) {WHOLLY}"),
        (np.array([len], object), f"a builtin_function_or_method object {PLAINLY}"),
        (np.longdouble(1), f"a longdouble object {PLAINLY}"),
        (Methods.ONE, f"a Methods object {PLAINLY}"),
        ("a\ud800", f"a str with half a character (a lone surrogate) {WHOLLY}"),
        ("\ud83d\ude00", f"a str with half a character (a lone surrogate) {WHOLLY}"),
        (2**10_000, f"an int of more than 10000 bits is too large; {LESS}"),
        (list(range(2_000_000)), f"more than 2000000 items are too many; {LESS}"),
        ("a" * (45 * 2**20 - 1), f"more than 45 MiB of JSON is too much; {LESS}"),
        (["a" * 2**20] * 45, f"more than 45 MiB of JSON is too much; {LESS}"),
        (np.zeros(34 * 2**20, bool), f"more than 45 MiB of JSON is too much; {LESS}"),
        (np.broadcast_to(1.0, (10**9,)), f"more than 45 MiB of JSON is too much; {LESS}"),
        (np.zeros((0, 2**40)), f"more than 45 MiB of JSON is too much; {LESS}"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_does_not_cross_is_refused_in_one_sentence(value: Any, sentence: str) -> None:
    assert refusal(value) == f"q3: {sentence}"


def nested(depth: int) -> Any:
    value: Any = ()
    for _ in range(depth - 1):
        value = [value]
    return value


def test_what_lies_at_the_limits_crosses() -> None:
    assert cross(nested(20)) == nested(20)
    assert cross(list(range(1_999_999)))[-1] == 1_999_998
    assert len(cross("a" * (45 * 2**20 - 2))) == 45 * 2**20 - 2
    assert cross(np.ones((2048, 2048))).sum() == 2048 * 2048
    assert len(str(cross(2**10_000 - 1))) < sys.get_int_max_str_digits()


def test_depth_and_cycles_are_refused() -> None:
    assert refusal(nested(21)) == f"q3: a tuple nested more than 20 levels deep is too deep; {LESS}"
    rows: list[Any] = []
    rows.append({"rows": rows})
    assert refusal(rows) == f"q3: a list that contains itself {PLAINLY}"
    twice: list[Any] = ["h"]
    assert cross([twice, twice]) == [["h"], ["h"]]
    thrice: list[Any] = ["h"]
    for _ in range(18):
        thrice = [thrice, thrice, thrice]
    assert refusal(thrice).startswith("q3: more than 2000000 items are too many")


SLOTS = (
    *("__eq__", "__ne__", "__lt__", "__hash__", "__bool__", "__len__", "__iter__", "__next__", "__contains__"),
    *("__getitem__", "__getattr__", "__getattribute__", "__repr__", "__str__", "__format__", "__dir__", "__sizeof__"),
    *("__int__", "__index__", "__float__", "__complex__", "__bytes__", "__buffer__", "__reduce__", "__reduce_ex__"),
    *("__copy__", "__deepcopy__", "__array__", "__array_finalize__", "__array_ufunc__", "__array_function__"),
    *("__array_wrap__", "__array_prepare__", "__length_hint__", "__reversed__", "__missing__", "__getnewargs__"),
    *("keys", "items", "values", "get", "copy", "encode", "isoformat", "bit_length", "hex", "numpy", "shape", "dtype"),
    *("item", "tolist", "tobytes", "astype", "view", "as_list", "_asdict", "__getstate__"),
)


def hostile(value: Any, touched: list[str], base: Any = None) -> Any:
    """`value` as an instance of a subclass whose every method tells `touched` that the student's code has run."""

    def spy(slot: str) -> Callable[..., Any]:
        def method(*_: Any, **__: Any) -> Any:
            touched.append(slot)
            raise RuntimeError(slot)

        return method

    base = base or type(value)
    meta = type("Meta", (type(base),), {"__module__": __name__, "__name__": property(spy("__name__"))})
    kind = meta("Hostile", (base,), {"__module__": __name__, "__class__": property(spy("__class__"))})
    made = value.view(kind) if base is np.ndarray else kind(value) if base is not object else kind()
    for slot in SLOTS:
        setattr(kind, slot, spy(slot))
    for slot in ("__array_interface__", "__array_struct__"):
        setattr(kind, slot, property(spy(slot)))
    for slot in ("__eq__", "__hash__", "__instancecheck__", "__subclasscheck__", "__getattribute__", "__call__"):
        setattr(meta, slot, spy(slot))
    return made


@pytest.mark.parametrize(
    "value",
    [
        *([1, 2], (1, 3), {"h": (1, 3)}, {"h"}, frozenset({"h"}), "h", 3, 1.5, 2j, b"h"),
        *(np.arange(6).reshape(2, 3), np.float64(1.5), np.str_("h"), np.complex128(1j)),
    ],
    ids=repr,
)
def test_a_subclass_cannot_speak_for_its_value(value: Any) -> None:
    touched: list[str] = []
    crossed = cross([hostile(value, touched), {"h": hostile(value, touched)}])
    plain = value.item() if isinstance(value, np.generic) else value
    assert touched == []
    assert exact(crossed) == exact([plain, {"h": plain}])


@pytest.mark.tensorflow
@pytest.mark.parametrize("base", [object, np.int32, np.float16], ids=repr)
def test_a_stranger_is_refused_unasked(base: Any, tf: Any) -> None:
    touched: list[str] = []
    assert refusal(hostile(b"1", touched, base)).startswith("q3: a Hostile object is not plain data; ")
    assert touched == []


def test_a_false_class_deceives_nobody() -> None:
    class Liar:
        __class__ = list  # type: ignore[assignment]

    assert isinstance(Liar(), list)
    assert refusal(Liar()).startswith("q3: a Liar object is not plain data; ")


def test_equal_to_all_is_equal_to_nothing_after_crossing() -> None:
    always = type("Always", (str,), {"__eq__": lambda *_: True, "__hash__": str.__hash__})
    assert always("x") == "last hidden state"
    assert cross(always("x")) != "last hidden state"


def test_a_failure_of_the_encoder_is_a_refusal() -> None:
    numpy = sys.modules["numpy"]
    try:
        sys.modules["numpy"] = SimpleNamespace(ma=3)  # type: ignore[assignment]
        assert refusal(2j) == f"q3: a complex object {PLAINLY}"
    finally:
        sys.modules["numpy"] = numpy


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["int", "float", "complex", "array", "list", "tuple", "set", "frozenset", "dict", "ellipsis"])
    | st.sampled_from(["0", "-0", "ff", "bool 1 Ag==", "float32 2 AAAA", "int8 0 ", "object 1 AAAA", "0" * 16]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(st.sampled_from(["list", "tuple", "set", "frozenset", "dict", "int", "array"]), inner).map(list)
        | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=15,
)


def spoilt(parts: tuple[str, int, int, str]) -> str:
    text, start, length, patch = parts
    start %= len(text) + 1
    return text[:start] + patch + text[start + length :]


PATCHES = st.text('[]{},:"\\-0123456789abcdefintx=/+ \ud800é', max_size=4)
MUTANTS = st.tuples(VALUES.map(encode), st.integers(0, 400), st.integers(0, 4), PATCHES).map(spoilt)


@settings(STEADY, max_examples=400)
@given(
    st.binary() | st.text() | JSON.map(json.dumps) | MUTANTS | MUTANTS.map(lambda text: text.encode("utf-8", "replace"))
)
@example("\ufeff[]")
@example(b"\xff\xfe[\0]\0")
@example("NaN")
@example('"\ud800"')
def test_any_text_gives_plain_data_or_an_evidence_error(text: str | bytes) -> None:
    try:
        assert is_plain(decode(text, "q3"))
    except EvidenceError as error:
        assert str(error).startswith("q3: the answer could not be read (")  # noqa: PT017


@settings(STEADY, max_examples=400)
@given(
    st.binary()
    | st.text()
    | st.dictionaries(
        st.sampled_from(["q1", "q2", "1q", ""]) | st.text(max_size=3),
        st.dictionaries(
            st.sampled_from(["value", "refused", "missing", "raised", "?"]),
            MUTANTS | JSON | st.lists(st.sampled_from(["object", "cycle"]) | st.text(), max_size=4),
            max_size=2,
        )
        | JSON,
        max_size=3,
    ).map(json.dumps)
)
def test_any_text_gives_findings_or_an_evidence_error(text: str | bytes) -> None:
    try:
        found = decode_all(text)
    except EvidenceError as error:
        assert str(error).startswith("answers: the answer could not be read (")  # noqa: PT017
        return
    for name, one in found.items():
        assert name == one.subject
        assert (one.value is NOTHING) == (one.sentence != "") == (one.reason != Reason.NONE)
        assert one.value is NOTHING or is_plain(one.value)
        assert one.sentence.isprintable()
        assert len(one.sentence) <= 300
        assert all(part.isprintable() and len(part) <= 200 for part in one.detail)


M = 2**61 - 1  # ints that differ by a multiple have one hash
MANY = f'["list", [{"null," * 8_000_000}null]]'
COLLIDING = json.dumps(["set", [["int", f"{number * M:x}"] for number in range(1, 202)]])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "not a string"),
        ("", "not JSON"),
        ("[", "not JSON"),
        ("nul", "not JSON"),
        (b"\xff", "not JSON"),
        ('"' * 100_001, "not JSON"),
        ('"' + '\\"' * 4_000_000, "not JSON"),
        (" " * (45 * 2**20 + 1), "more than 45 MiB"),
        ("[" * 2**23, "too many items"),
        ("[" * 399_999, "nested too deeply"),
        ('{"a":' * 199_999, "nested too deeply"),
        (MANY, "too many items"),
        ("3", "a bare number"),
        ("1.5", "a bare number"),
        ("[NaN]", "a bare number"),
        ("-Infinity", "a bare number"),
        ("9" * 5_000, "a bare number"),
        ("1e999", "a bare number"),
        ('{"a": "", "a": ""}', "a duplicate name"),
        ('{"a": ""}', "a value of unknown form"),
        ("[]", "a value of unknown form"),
        ('["int", "1", "1"]', "a value of unknown form"),
        ("[null, []]", "a value of unknown form"),
        ('["pickle", "gASVAAAA"]', "an unknown tag"),
        ('["list", "a"]', "an unknown tag"),
        ('["int", []]', "an unknown tag"),
        ('["int", null]', "an unknown tag"),
        ('["__class__", []]', "an unknown tag"),
        ('["ellipsis", "a"]', "an ellipsis with content"),
        ('"\\ud800"', "half a character"),
        ('["dict", [["\\udfff"], [null]]]', "half a character"),
        *((f'["int", "{text}"]', "not an int") for text in ("", "-0", "00", "0x1", " 1", "1_0", "F", "٣", "f" * 2_501)),
        *((f'["float", "{text}"]', "not a float") for text in ("", "nan", "0" * 15, "0" * 17, "G" * 16, " " * 16)),
        (f'["complex", "{"0" * 16}"]', "not a float"),
        ('["array", ""]', "an array of unknown dtype"),
        *(
            (f'["array", "{dtype} 1 AA=="]', "an array of unknown dtype")
            for dtype in ("object", "O", "<U1", "float128", "V1", "<f4")
        ),
        *(
            (f'["array", "int8 {shape} AA=="]', "an array of unknown shape")
            for shape in ("", "-1", "01", "1,", "1;1", "(1,)", "999999999")
        ),
        ('["array", "int8 ' + ",".join("1" * 65) + ' AA=="]', "an array of unknown shape"),
        ('["array", "int8 7000,7000 "]', "an array too large"),
        ('["array", "int8 0,99999999 "]', "an array too large"),
        *(
            (f'["array", "int8 1 {data}"]', "an array that is not base64")
            for data in ("A", "AA", "AA==\\n", "*A==", "é")
        ),
        *(
            (f'["array", "int8 {rest}"]', "an array whose shape and bytes differ")
            for rest in ("1 ", "1", "2 AA==", "0 AA==")
        ),
        ('["array", "bool 1 Ag=="]', "bools other than 0 and 1"),
        ('["list", [' * 21 + "]]" * 21, "nested too deeply"),
        ('["set", [["list", []]]]', "a key that cannot be hashed"),
        ('["frozenset", [["tuple", [["array", "int8 1 AA=="]]]]]', "a key that cannot be hashed"),
        ('["dict", [[["dict", [[], []]]], [null]]]', "a key that cannot be hashed"),
        ('["set", ["a", "a"]]', "a duplicate key"),
        ('["set", [true, ["int", "1"]]]', "a duplicate key"),
        ('["dict", [["a", "a"], [null, null]]]', "a duplicate key"),
        ('["dict", [["a"], []]]', "a key without value"),
        ('["dict", ["a"]]', "a value of unknown form"),
        ('["dict", ["a", "b"]]', "an unknown tag"),
        (COLLIDING, "too many keys with one hash"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_damaged_text_is_refused_in_one_sentence(text: Any, why: str) -> None:
    assert damage(text) == DAMAGED.format(why)


def test_a_class_full_of_findings() -> None:
    rows: list[Any] = []
    rows.append(rows)
    namespace = {"q1": ..., "q2": None, "q3": object(), "q4": rows, "units": 3}
    expressions = {"double": "units * 2", "lost": "model5.get_weights()", "odd": "[len for _ in 'a']", "bad": "1 +"}
    found = decode_all(encode_all(namespace, ["q1", "q2", "q3", "q4", "q5"], expressions))
    assert [(one.subject, one.value, one.reason, one.detail) for one in found.values()] == [
        ("q1", ..., Reason.NONE, ()),
        ("q2", None, Reason.NONE, ()),
        ("q3", NOTHING, Reason.NOT_PLAIN_DATA, ("object", "object")),
        ("q4", NOTHING, Reason.NOT_PLAIN_DATA, ("cycle", "list")),
        ("q5", NOTHING, Reason.MISSING, ()),
        ("double", 6, Reason.NONE, ()),
        ("lost", NOTHING, Reason.RAISED, ("NameError", "name 'model5' is not defined", "model5")),
        ("odd", NOTHING, Reason.NOT_PLAIN_DATA, ("object", "builtin_function_or_method")),
        ("bad", NOTHING, Reason.RAISED, ("SyntaxError", "invalid syntax (<string>, line 1)", "")),
    ]
    assert [one.sentence for one in found.values() if one.reason] == [
        f"q3: an object object {PLAINLY}",
        f"q4: a list that contains itself {PLAINLY}",
        "q5: no such name; run the cell that assigns it.",
        "lost: NameError: name 'model5' is not defined",
        f"odd: a builtin_function_or_method object {PLAINLY}",
        "bad: SyntaxError: invalid syntax (<string>, line 1)",
    ]


class MuteError(Exception):
    def __str__(self) -> str:
        raise SystemExit(3)


def test_whatever_is_raised_spoils_its_own_name_only() -> None:
    def throw(error: BaseException) -> None:
        raise error

    expressions = {
        "left": "throw(SystemExit(1))",
        "silent": "throw(ValueError())",
        "mute": "throw(MuteError())",
        "long": "throw(ValueError('é' * 900))",
        "lines": "throw(ValueError('\\n first\\x1b[31m\\nsecond'))",
        "fine": "1",
    }
    namespace = {"throw": throw, "MuteError": MuteError}
    found = decode_all(encode_all(namespace, [], expressions))
    assert found.pop("fine").value == 1
    assert [one.sentence for one in found.values()] == [
        "left: SystemExit: 1",
        "silent: ValueError.",
        "mute: MuteError.",
        "long: ValueError: " + "é" * (200 - len("ValueError: ")),
        "lines: ValueError: first [31m",
    ]


def test_the_runners_interrupt_is_not_swallowed() -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode_all({"stop": stop}, [], {"q3": "stop()"})


def test_the_whole_is_capped_and_the_rest_still_crosses() -> None:
    big = {f"q{number}": "a" * 36_000_000 for number in range(1, 5)}
    found = decode_all(encode_all({**big, "q5": 5}, [*big, "q5"], {}))
    assert [name for name, one in found.items() if not one.reason] == ["q1", "q2", "q5"]
    sentence = f"q3: the answers together are too large; {LESS}"
    assert found["q3"].sentence == sentence


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[]", "not a table of names"),
        ("null", "not a table of names"),
        ("3", "a bare number"),
        ('{"q3": {}, "q3": {}}', "a duplicate name"),
        ('{"q3\\n": {}}', "a key that is not a name"),
        ('{"": {}}', "a key that is not a name"),
        (json.dumps({"q" * 101: {}}), "a key that is not a name"),
        (json.dumps({f"q{number}": {} for number in range(201)}), "not a table of names"),
        (json.dumps({"q3": [[]] * 1_000}), "too many items"),
        (b" " * (90 * 2**20 + 1), "more than 90 MiB"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_a_damaged_whole_is_refused_in_one_sentence(text: Any, why: str) -> None:
    with pytest.raises(EvidenceError) as caught:
        decode_all(text)
    assert str(caught.value) == DAMAGED.format(why).replace("q3", "answers")


@pytest.mark.parametrize(
    ("entry", "sentence", "reason"),
    [
        ([], DAMAGED.format("an entry of unknown form"), "damaged"),
        ({}, DAMAGED.format("an entry of unknown form"), "damaged"),
        ({"value": "null", "refused": "a"}, DAMAGED.format("an entry of unknown form"), "damaged"),
        ({"value": None}, DAMAGED.format("an entry of unknown form"), "damaged"),
        ({"passed": "null"}, DAMAGED.format("an entry of unknown form"), "damaged"),
        ({"refused": "object"}, DAMAGED.format("an entry of unknown form"), "damaged"),
        ({"refused": ["object"]}, DAMAGED.format("an entry of unknown form"), "damaged"),
        ({"refused": ["object", None]}, DAMAGED.format("an entry of unknown form"), "damaged"),
        ({"refused": ["full marks", ""]}, DAMAGED.format("a refusal of unknown kind"), "damaged"),
        ({"raised": ["a", "b"]}, DAMAGED.format("an entry of unknown form"), "damaged"),
        ({"missing": ["q4"]}, DAMAGED.format("an entry of unknown form"), "damaged"),
        ({"value": "[]"}, DAMAGED.format("a value of unknown form"), "damaged"),
        ({"refused": ["object", "\u202e\ud800\0"]}, f"q3: a  object {PLAINLY}", "not plain data"),
        ({"refused": ["object", "{of.__class__}"]}, f"q3: a {{of.__class__}} object {PLAINLY}", "not plain data"),
        ({"raised": ["", "\u202e", ""]}, "q3: an exception without a name.", "raised"),
        ({"raised": ["E", "full\tmarks\r\n\x1b[2J", ""]}, "q3: E: full marks [2J", "raised"),
        ({"missing": []}, "q3: no such name; run the cell that assigns it.", "missing"),
        ({"raised": ["E" * 900, "a" * 900, ""]}, f"q3: {'E' * 200}: {'a' * 94}", "raised"),
    ],
    ids=repr,
)
def test_what_the_kernel_says_of_a_name_is_made_harmless(entry: Any, sentence: str, reason: str) -> None:
    found = decode_all(json.dumps({"q3": entry, "q4": {"value": "null"}}))
    assert (found["q3"].value, found["q3"].sentence, found["q3"].reason) == (NOTHING, sentence, reason)
    assert (found["q4"].value, found["q4"].sentence) == (None, "")


def test_findings_travel_between_processes() -> None:
    found = pickle.loads(pickle.dumps(Found("q3", NOTHING, Reason.MISSING)))
    assert found.value is NOTHING
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.value = 3


def test_the_source_finds_numpy_where_it_is_loaded() -> None:
    kernel: dict[str, Any] = {}
    exec(kernel_source(), kernel)
    array = np.arange(6.0).reshape(2, 3)
    assert exact(decode(kernel["encode"](array))) == exact(array)


def test_the_trusted_half_neither_unpickles_nor_evaluates() -> None:
    source = Path(decoder.__file__).read_text("utf-8")
    assert not [
        word for word in ("pickle.", "eval(", "exec(", "getattr(", "__import__", "allow_pickle") if word in source
    ]
