"""Exchange messages with the objects of a student's kernel, from the test's side. `evidence.server` is the other half.

Theory of operation. Only this side asks. A request is a pickle of a tuple, and the kernel unpickles it: the test is
trusted, so nothing is lost by that. A reply is JSON, which `evidence.decoder` re-makes as plain data. Keys name what
both sides know: `k…` was made by the kernel, `j…` by the test. Lists, dicts, sets, arrays and frames exist on both
sides; each message brings the contents of those that changed. Functions and objects of the test go over as `back`
entries; the kernel may call a function, and use an object's public names, and nothing else.

    request                                    what the kernel does
    call function args keywords patches        call it; names in `patches` have other values meanwhile
    name, has, set, delete, names              use the notebook's names
    data value                                 send a plain copy of a referenced object, or refuse
    import name patches, await object patches  import a module, finish a coroutine
    files folder, changed folder               send the notebook's files, and those that changed, also in `folder`
    write files folder                         write what the test has written
    return error value                         the result of a call back

The first fault of the channel is kept in `fault`: a test that catches the exception still does not pass.
"""

import base64
import contextlib
import enum
import io
import json
import operator
import pickle
import random
import sys
import types
import warnings
from collections.abc import Callable, Iterable, Iterator
from types import FrameType
from typing import Any

from autograder.errors import EvidenceError
from autograder.evidence import reader_types
from autograder.evidence.decoder import _details, _json
from autograder.evidence.encoder import MAX_TEXT, Encoder
from autograder.evidence.reader import Reader
from autograder.evidence.reader_leaves import DamageError
from autograder.evidence.refusals import Refusal, refused
from autograder.evidence.server.live_encoder import LiveEncoder
from autograder.evidence.server.shared import Objects, fill, state_of
from autograder.judging.live.generators import follow
from autograder.judging.seal import TEST
from autograder.model import Reason

MAX_DEPTH = 50  # calls back inside each other
MAX_REQUESTS = 20_000
MAX_OBJECTS = 200_000
MAX_WARNINGS = 100  # of one message


class TestEnded(BaseException):
    """The test cannot go on. Not an Exception, so that a test's `except Exception` does not catch it."""

    __test__ = False

    def __init__(self, reason: Reason, sentence: str, fix: str = "") -> None:
        super().__init__(sentence)
        self.reason, self.sentence, self.fix = reason, sentence, fix
        self.line = _line()


def _line() -> int:
    """Return the line of the test that is running now; 0 if none is."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename != TEST:
        frame = frame.f_back
    return frame.f_lineno if frame else 0


class _JudgeObjects(Objects):
    """What this side knows, by key."""

    def __init__(self, locked: dict[str, type]) -> None:
        super().__init__(locked, "j")
        pandas = sys.modules.get("pandas")
        if pandas is None:
            return
        self.kinds |= {pandas.DataFrame: "frame", pandas.Series: "frame"}

    def forget(self, keys: Iterable[str]) -> None:
        """Forget objects that were not sent after all."""
        for key in keys:
            self.keys.pop(id(self.objects.pop(key)), None)


class _Watcher(LiveEncoder):
    """Write a container's content as the kernel would, to see whether it changed."""

    def __init__(self, wire: "Wire") -> None:
        super().__init__(wire.objects)
        self.wire = wire

    def tree(self, value: Any, path: tuple[int, ...] = ()) -> Any:
        key = self.wire.key_of(value)
        if key:
            return ["ref", key]
        return super().tree(value, path)

    def share(self, value: Any) -> Any:
        key = self.objects.keys.get(id(value))
        return ["same", key] if key else ["new", str(id(value))]

    def reference(self, value: Any) -> Any:
        return ["back", self.objects.keys.get(id(value), str(id(value)))]

    def content(self, value: Any) -> str:
        """Return a shared container's content as text."""
        kind = type(value)
        if self.objects.shares(kind) == "random":
            tree = ["random", self.plain(state_of(value))]
        elif self.objects.shares(kind) == "made":
            tree = ["made", [self.objects.classes_of[kind], self.plain(dict(vars(value)))]]
        else:
            tree = (
                self.plain(value) if self.objects.shares(kind) not in ("array", "frame") else Encoder().tree(value, ())
            )
        return json.dumps(tree)

    def plain(self, value: Any) -> Any:
        self.items = self.size = 0
        return super(LiveEncoder, self).tree(value, ())


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, wire: "Wire") -> None:
        super().__init__(file)
        self.wire, self.new, self.own, self.fresh = wire, dict[str, Any](), set[int](), set[int]()
        self.named: set[str] = set()  # keys of the objects in the request that the kernel knows

    def reducer_override(self, value: Any) -> Any:
        """Pickle the views of a dict, which pickle itself does not."""
        kind = type(value)
        if kind is type({}.values()):
            return operator.methodcaller("values"), (dict(enumerate(value)),)
        if kind in (type({}.keys()), type({}.items())):
            way = "keys" if kind is type({}.keys()) else "items"
            return operator.methodcaller(way), (dict.fromkeys(value) if way == "keys" else dict(value),)
        if issubclass(kind, tuple) and kind.__module__ == reader_types.__name__:  # a named tuple of the notebook
            return tuple.__new__, (kind, tuple(value))
        return NotImplemented

    def persistent_id(self, value: Any) -> tuple[str, Any] | None:
        kind = type(value)
        if kind in _ATOMS or id(value) in self.own or id(value) in self.fresh:
            return None
        wire = self.wire
        if key := wire.key_of(value):
            return "ref", key
        if (key := wire.objects.keys.get(id(value), "")) and wire.objects.objects.get(key) is value:
            self.named.add(key)
            return ("back" if key in wire.backs else "ref"), key
        if kind in wire.objects.classes and isinstance(value, enum.Enum) and value.name in kind.__members__:
            return "member", (wire.objects.classes[kind], value.name)
        if kind in wire.objects.classes and issubclass(kind, tuple):
            return None
        if wire.objects.shares(kind):
            key = wire.objects.new_key()
            wire.objects.add(key, value)
            self.new[key] = value
            self.fresh.add(id(value))
            return None
        if kind is types.ModuleType:
            return "module", value.__name__
        if kind is types.MethodType and value.__self__ is getattr(sys.modules.get("random"), "_inst", None):
            return "function", f"random.{value.__name__}"  # of the hidden generator that the module's functions share
        if isinstance(value, type) and issubclass(value, tuple) and value.__module__ == reader_types.__name__:
            return "record", (value.__name__, value._fields)  # type: ignore[attr-defined]
        if isinstance(value, type) and value in wire.objects.classes:
            return "class", wire.objects.classes[value]
        if _belongs_to_test(value):
            return "back", wire.back(value)
        return None


_UNSENDABLE = (pickle.PicklingError, TypeError, AttributeError, RecursionError)
_ATOMS = frozenset({int, float, str, bytes, bool, type(None), complex, tuple})


def _belongs_to_test(value: Any) -> bool:
    """Return whether a value cannot be pickled by name: the test's own functions, classes, objects, and iterators."""
    kind = type(value)
    if isinstance(value, types.FunctionType | type):
        return value.__module__ in ("__main__", "unittest.mock") or "<" in value.__qualname__
    if isinstance(value, types.MethodType):
        return _belongs_to_test(value.__self__)
    if isinstance(value, types.BuiltinMethodType) and not isinstance(value.__self__, types.ModuleType | type | None):
        return _belongs_to_test(value.__self__)
    if isinstance(value, Iterator | io.IOBase) or kind.__name__ == "partial":  # to read it here changes it there
        return True
    return kind.__module__ in ("__main__", "unittest.mock")


class _LiveReader(Reader):
    """Decode a value that may refer to shared containers, references and the test's own objects."""

    def __init__(self, wire: "Wire") -> None:
        super().__init__()
        self.wire = wire

    def unknown(self, tag: str, body: Any, depth: int) -> Any:
        if tag in ("member", "record") and isinstance(body, list) and len(body) == 2 and isinstance(body[0], str):
            return self._of_locked_class(tag, self.wire.locked_class(body[0]), body[1], depth)
        if isinstance(body, str):
            if tag in ("same", "back"):
                return self.wire.known(body)
            if tag == "ref":
                return self.wire.reference(body)
            if tag == "locked":
                return self.wire.locked_class(body)
        return super().unknown(tag, body, depth)

    def _of_locked_class(self, tag: str, kind: type, body: Any, depth: int) -> Any:
        """Return a member of an enumeration, or a named tuple."""
        if tag == "member" and issubclass(kind, enum.Enum) and isinstance(body, str) and body in kind.__members__:
            return kind[body]
        if tag == "record" and issubclass(kind, tuple):
            items = self.value(body, depth + 1)
            if type(items) is tuple and len(items) == len(getattr(kind, "_fields", items)):
                return tuple.__new__(kind, items)
        raise DamageError("a value of unknown form")


class Wire:
    """The channel of one test, or of a notebook's tests if these share names.

    Args:
        ask: Send a text to the kernel's server and return its answer.
        locked: The classes of the source notebook's locked cells, by name; their instances cross as data.
        make: Make the reference for a key from what the kernel says of the object.
    """

    def __init__(self, ask: Callable[[str], str], make: Callable[["Wire", str, dict[str, Any]], Any]) -> None:
        self.ask, self.make = ask, make
        self.objects = _JudgeObjects({})
        self.refs: dict[str, Any] = {}
        self.abouts: dict[str, dict[str, Any]] = {}
        self.ids: dict[int, str] = {}  # of references
        self.backs: dict[str, Any] = {}
        self.number = self.depth = 0
        self.fault: TestEnded | None = None
        self.changed: set[str] = set()  # the test's own objects that the last request changed
        self.assertions: list[AssertionError] = []  # that the test's own functions raised when the kernel called them
        self.ignore_changes = False  # of the test's own containers
        self.classes: dict[str, type] = {}
        self.fresh: dict[str, Any] = {}  # values of names, as long as the kernel has the same there
        self.warned: list[Any] = []  # warnings of the notebook that the test has not seen yet

    def lock_classes(self, classes: dict[str, type]) -> None:
        """Declare the locked cells' classes; each test of a notebook defines them anew."""
        self.classes = classes
        self.objects.classes.update({kind: name for name, kind in classes.items()})

    # --- what both sides know ---------------------------------------------------------------------------------------

    def key_of(self, value: Any) -> str:
        """Return the key of a reference; "" for anything else."""
        key = self.ids.get(id(value), "")
        return key if key and self.refs.get(key) is value else ""  # an id may be that of an object long gone

    def known(self, key: str) -> Any:
        """Return the object with this key."""
        if key in self.objects.objects:
            return self.objects.objects[key]
        raise DamageError("a key of nothing")

    def locked_class(self, name: str) -> type:
        """Return a class of a locked cell."""
        if name in self.classes:
            return self.classes[name]
        raise DamageError("a class of nothing")

    def reference(self, key: str) -> Any:
        """Return the reference with this key: always the same object."""
        if key not in self.refs:
            if key not in self.abouts:
                raise DamageError("a reference to nothing")
            try:
                self.keep(key, self.make(self, key, self.abouts[key]))
            except (ValueError, TypeError, LookupError, AttributeError) as error:  # what the kernel says is not a class
                raise DamageError("an object of unknown form") from error
        return self.refs[key]

    def keep(self, key: str, reference: Any) -> Any:
        """Remember a reference by its key."""
        self.refs[key] = reference
        self.ids[id(reference)] = key
        return reference

    def back(self, value: Any) -> str:
        """Return the key of a function or object of the test; a new one is added."""
        key = self.objects.keys.get(id(value)) or self.objects.new_key()
        self.objects.add(key, value)
        self.backs[key] = value
        return key

    # --- messages ---------------------------------------------------------------------------------------------------

    def request(self, what: str, *args: Any) -> Any:
        """Send a request and return its value; raise what the student's code raises, or TestEnded."""
        self._require_open()
        return self._finished(self._send((what, *args)))

    def mirror(self, name: str, value: Any) -> None:
        """Set a name in the kernel, too. A value that cannot be sent stays here, on the solution's run as on others."""
        self._require_open()
        with contextlib.suppress(*_UNSENDABLE):
            self._finished(self._exchange(self._pack(("set", name, value))))

    def _require_open(self) -> None:
        if self.fault:
            raise self.fault
        if self.number > MAX_REQUESTS:
            self.end(Reason.LIMIT, f"the test asked the notebook more than {MAX_REQUESTS} times")

    def _finished(self, reply: dict[str, Any]) -> Any:
        """Do what the kernel asks before it replies, and return the value of its reply."""
        self.changed = set()
        while "back" in reply:
            reply = self._answer(reply)
        try:
            return self._result(reply)
        except (DamageError, EvidenceError) as damage:
            self.end(Reason.DAMAGED, f"the notebook sent something that is not an answer ({damage})")

    def first(self, text: str) -> dict[str, Any]:
        """Read the kernel's first message; return the entries of the answers."""
        try:
            reply = self._parsed(text, 0)
            self._apply(reply)
            entries = reply.get("answers")
            if not isinstance(entries, dict):
                raise DamageError("no answers")
            return entries
        except DamageError as damage:
            return dict(self.end(Reason.DAMAGED, f"the notebook sent something that is not an answer ({damage})"))

    def describe(self, text: str) -> None:
        """Learn from the kernel's first message what its references refer to, before the message itself is read."""
        try:
            self._learn(self._parsed(text, 0).get("refs", {}))
        except DamageError as damage:
            self.end(Reason.DAMAGED, f"the notebook sent something that is not an answer ({damage})")

    def value(self, node: Any) -> Any:
        """Decode one value."""
        return _LiveReader(self).value(node, 0)

    def end(self, reason: Reason, sentence: str, fix: str = "") -> Any:
        """End the test; `fix` tells the instructor what to write instead."""
        self.fault = self.fault or TestEnded(reason, sentence, fix)
        raise self.fault

    def _send(self, request: tuple[Any, ...]) -> dict[str, Any]:
        try:
            packed = self._pack(request)
        except _UNSENDABLE as error:
            what = f"the test passes something that cannot be sent ({error})"
            self.end(Reason.NOT_SUPPORTED, what, "pass data, or a function that the test defines")
        return self._exchange(packed)

    def _exchange(self, packed: str) -> dict[str, Any]:
        self.number += 1
        try:
            return self._parsed(self.ask(f"{self.number} {packed}"), self.number)
        except DamageError as damage:
            return dict(self.end(Reason.DAMAGED, f"the notebook sent something that is not an answer ({damage})"))

    def _parsed(self, text: str, number: int) -> dict[str, Any]:
        reply = _json(text, 2 * MAX_TEXT, 8 * MAX_OBJECTS)
        if not isinstance(reply, dict) or reply.get("n") != str(number):
            raise DamageError("the answer to another question")
        names = reply.get("names")
        same = {name for name in names if isinstance(name, str)} if isinstance(names, list) else ()
        self.fresh = {name: value for name, value in self.fresh.items() if name in same}
        return reply

    def _pack(self, request: tuple[Any, ...]) -> str:
        buffer = io.BytesIO()
        pickler = _Pickler(buffer, self)
        pickler.own = {id(part) for part in request if type(part) is dict} | {id(pickler.new)}
        pickler.own |= {id(request)}
        try:
            pickler.dump(request)
        except _UNSENDABLE:
            self.objects.forget(pickler.new)
            raise
        fills = []
        for key in self.objects.possibly_changed(pickler.named):
            value = self.objects.objects[key]
            if _Watcher(self).content(value) != self.objects.texts[key]:
                content = _content(value)
                fills.append((key, content))
                pickler.own |= {id(content)}
        pickler.own |= {id(fills)}
        pickler.dump(fills)
        pickler.dump(pickler.new)
        for key in [*pickler.new, *(key for key, _ in fills)]:
            value = self.objects.objects[key]
            self.objects.know(key, value, _Watcher(self).content(value))
        return base64.b64encode(buffer.getvalue()).decode()

    def _apply(self, reply: dict[str, Any]) -> None:
        try:
            self._take_all(reply)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise DamageError("a container of unknown form") from error

    def _take_all(self, reply: dict[str, Any]) -> None:
        refs, heap = reply.get("refs", {}), reply.get("heap", [])
        if not isinstance(heap, list) or len(self.objects.objects) > MAX_OBJECTS:
            raise DamageError("a message of unknown form")
        self._learn(refs)
        for entry in heap:
            if not (isinstance(entry, list) and len(entry) == 3 and _is_key(entry[0]) and isinstance(entry[2], list)):
                raise DamageError("a container of unknown form")
        new = {key for key, _, _ in heap if key not in self.objects.objects}
        if not all(_is_key(key, "k") for key in new):
            raise DamageError("a container with a key of the test's")
        for key, kind, content in heap:
            if key in new and (shell := self._shell(kind, content)) is not None:
                self.objects.add(key, shell)
        for key, _, content in heap:
            self._take(key, content, key in new)
        printed = reply.get("printed", "")
        if printed and isinstance(printed, str):
            sys.stdout.write(printed)
        self.warned += [entry for entry in reply.get("warned") or () if isinstance(entry, list) and len(entry) == 2]

    def _learn(self, refs: Any) -> None:
        if not isinstance(refs, dict):
            raise DamageError("a message of unknown form")
        for key, about in refs.items():
            if key not in self.abouts and _is_key(key, "k") and isinstance(about, dict):
                self.abouts[key] = about

    def _shell(self, kind: Any, content: Any) -> Any:
        """Return an empty container to fill, so that containers can contain each other; None for arrays and frames."""
        if kind == "made":
            made = self.locked_class(content[1][0]) if isinstance(content[1], list) and content[1] else None
            return object.__new__(made) if made else None
        return {"list": list, "dict": dict, "set": set}.get(kind, lambda: None)() if isinstance(kind, str) else None

    def _take(self, key: str, content: Any, is_new: bool) -> None:
        objects, text = self.objects, json.dumps(content)
        if not is_new and key.startswith("j"):
            self.changed.add(key)
            if self.ignore_changes:  # the kernel's copy differs now, so the next message restores it
                objects.know(key, None, text)
                return
        if content[0] == "random" and not is_new:
            follow(objects.objects[key], _LiveReader(self).value(content[1], 0))
            objects.know(key, objects.objects[key], text)
            return
        if content[0] == "made":
            value = _LiveReader(self).value(content[1][1], 0)
            self._require_own_methods(content[1][0], value)
        else:
            value = _LiveReader(self).value(content, 0)
        if key not in objects.objects:
            objects.add(key, value)
        else:
            try:
                fill(objects.objects[key], value)
            except (ValueError, TypeError):
                raise DamageError("a container that became another one") from None
        objects.know(key, objects.objects[key], text)

    def _require_own_methods(self, name: str, attributes: Any) -> None:
        """End the test at an object of a locked class whose methods the notebook replaced."""
        kind = self.locked_class(name)
        replaced = [one for one in attributes if isinstance(one, str) and callable(getattr(kind, one, None))]
        if replaced:
            self.end(Reason.OBJECT_FOR_DATA, f"your answer replaces {replaced[0]} of the class {name}")

    def _result(self, reply: dict[str, Any]) -> Any:
        self._apply(reply)
        self._warn()
        if "value" in reply:
            return self.value(reply["value"])
        if "refused" in reply:
            detail = _details(reply["refused"], 2, Reason.NOT_PLAIN_DATA)
            # A library's container with the student's objects may be right: the test can only not read it.
            is_object = detail[0] == Refusal.OBJECT
            self.end(Reason.OTHER_TYPE if is_object else Reason.NOT_PLAIN_DATA, refused(detail))
        if isinstance(reply.get("raised"), dict):
            raise self._raised(reply["raised"])
        raise DamageError("no value")

    def _raised(self, raised: dict[str, Any]) -> BaseException:
        try:
            error: BaseException = self.make.exception(self, raised)  # type: ignore[attr-defined]
        except (ValueError, TypeError, LookupError, AttributeError) as damage:
            raise DamageError("an exception of unknown form") from damage
        return error

    def _warn(self) -> None:
        """Warn the test as the student's code did; it may want errors instead."""
        warned, self.warned = self.warned, []
        for text, lineage in warned[:MAX_WARNINGS]:
            try:
                warning = self.make.warning(self, lineage)(str(text)[:1000])  # type: ignore[attr-defined]
            except (ValueError, TypeError, LookupError, AttributeError) as damage:
                raise DamageError("a warning of unknown form") from damage
            warnings.warn(warning, stacklevel=2)

    # --- calls back -------------------------------------------------------------------------------------------------

    def _answer(self, reply: dict[str, Any]) -> dict[str, Any]:
        """Do what the kernel asks of a function or object of the test."""
        back = reply["back"]
        if self.number > MAX_REQUESTS:
            self.end(Reason.LIMIT, f"the notebook called the test's functions more than {MAX_REQUESTS} times")
        if self.depth >= MAX_DEPTH:
            self.end(Reason.LIMIT, f"the notebook called the test's functions more than {MAX_DEPTH} levels deep")
        self.depth += 1
        try:
            if not (isinstance(back, list) and len(back) == 4 and back[0] in self.backs):
                raise DamageError("a call of nothing")
            self._apply(reply)
            args, keywords = self.value(back[2]), self.value(back[3])
            result: tuple[Any, ...] = ("return", None, self._done(back[0], back[1], args, keywords))
        except DamageError as damage:
            self.end(Reason.DAMAGED, f"the notebook sent something that is not a call ({damage})")
        except Exception as error:
            if isinstance(error, AssertionError):
                self.assertions.append(error)
            result = ("return", error, None)
        finally:
            self.depth -= 1
        return self._send(result)

    def _done(self, key: str, what: Any, args: Any, keywords: Any) -> Any:
        target = self.backs[key]
        if what == "call" and callable(target):
            return target(*args, **keywords)
        if what in ("attr", "set") and _is_public(args[:1]) and len(args) == 1 + (what == "set"):
            _require_open(target, args[0])
            if what == "attr":
                return _harmless(getattr(target, args[0]))
            if args[0].startswith("_"):
                raise AttributeError(f"'{args[0]}' cannot be set")
            self.changed.add(key)
            if not self.ignore_changes:
                setattr(target, *args)
            return None
        if what in _USES:
            return _USES[what](target, *args)
        raise DamageError("an unknown use of the test's object")


def _content(value: Any) -> Any:
    """Return a shallow copy of a container, which pickles with what is in it."""
    if type(value).__module__ == "__main__":
        return dict(vars(value))
    if isinstance(value, random.Random) or hasattr(value, "standard_normal"):
        return state_of(value)
    return value.copy() if hasattr(value, "copy") else type(value)(value)


def _is_key(key: Any, sides: str = "kj") -> bool:
    return isinstance(key, str) and 1 < len(key) < 20 and key[0] in sides and key[1:].isdigit()


def _is_public(args: Any) -> bool:
    if not (isinstance(args, tuple) and len(args) == 1 and isinstance(args[0], str)):
        return False
    return not args[0].startswith("_") or args[0] in ("__name__", "__qualname__", "__doc__")


def _require_open(target: Any, name: str) -> None:
    """Raise AttributeError unless the attribute is one that the test gave its own object; a mock's books are closed."""
    kind = type(target)
    if name.startswith("_") and isinstance(target, types.FunctionType | types.MethodType):  # what functools.wraps reads
        return
    is_mock = kind.__module__ == "unittest.mock" and not hasattr(kind, name) and name not in vars(target)
    if not (is_mock or kind.__module__ == "__main__" or isinstance(target, io.IOBase)):
        raise AttributeError(f"'{kind.__name__}' object has no attribute '{name}'")


def _harmless(value: Any) -> Any:
    """Return an attribute of the test's object if it is data or the test's own, never a module or a library's class."""
    if isinstance(value, types.ModuleType | type) or (callable(value) and not _belongs_to_test(value)):
        owner = getattr(value, "__self__", None)
        if not isinstance(owner, io.IOBase):
            raise AttributeError("not available")
    return value


_USES: dict[str, Callable[..., Any]] = {
    "iter": lambda target: iter(target),
    "next": lambda target: next(target),
    "len": lambda target: len(target),
    "item": lambda target, key: target[key],
    "contains": lambda target, value: value in target,
    "enter": lambda target: target.__enter__(),
    "exit": lambda target: target.__exit__(None, None, None),
    "eq": lambda target, other: target == other,
}
