"""Serve the objects of a student's notebook to a test that runs elsewhere; this half runs in the student's kernel.

Theory of operation. The source text of this module follows that of `encoder` and is executed in the student's kernel
when a notebook reaches a test cell that needs objects. `serve` sends the values of the answers, then waits for one
request at a time and replies with data. A request is a pickle, because the test is trusted; a reply is JSON in the
encoder's format, because the kernel is not. What is not plain data stays here and is sent as a reference. Lists, dicts,
sets, arrays and frames have an identity: both sides keep a copy under the same key, and each message brings what has
changed. `judging.wire` is the other half, and documents the requests.

A message is a JSON object: `n` (the number of the request that it answers), `heap` (the contents of shared containers
that are new or changed: key, kind, content), `refs` (what a new reference refers to), `names` (those whose
values are still what was sent) and one of `value`, `raised`, `refused`, `answers`, `back` (a use of one of the test's
own functions or objects).
"""

# The names of `encoder` are global here: both sources are executed in one namespace.
import asyncio
import base64
import collections
import contextlib
import enum
import hmac
import importlib
import io
import json
import pathlib
import pickle
import random
import sys
import threading
import warnings
from typing import Any

from autograder.evidence.encoder import Encoder, RefusedError, _name, _raised  # not sent to the kernel

SEPARATOR = b"<IDS|MSG>"  # in a Jupyter message, between addresses and content
MAX_PRINTED = 2**20  # characters that one request may print
MAX_MRO = 20
MAX_WARNED = 100  # warnings that one message brings
MAX_SYNCED = 2**16  # characters of a container that is compared again in each message, though no argument
FILES = 16 * 2**20  # bytes of the notebook's files that are sent
REFERABLE = ("object", "dtype", "surrogate", "bits", "cycle", "depth")  # kinds of refusals: a reference will do
DUNDERS = (  # special methods that a reference offers only if the object's class has them
    *("call", "len", "iter", "next", "getitem", "setitem", "delitem", "contains", "reversed", "enter", "exit", "await"),
    *("eq", "lt", "le", "gt", "ge", "hash", "bool", "float", "int", "index", "complex", "str", "format", "bytes"),
    *("neg", "pos", "abs", "invert", "round", "trunc", "floor", "ceil", "array", "fspath", "aiter", "anext"),
    *("aenter", "aexit", "instancecheck", "subclasscheck", "divmod", "rdivmod"),
    *(f"{way}{name}" for way in ("", "r", "i") for name in "add sub mul truediv floordiv mod pow matmul".split()),
    *(f"{way}{name}" for way in ("", "r", "i") for name in "and or xor lshift rshift".split()),
)
ATOMS = (int, float, str, bytes, bool, complex, type(None))
_BARE = (list, tuple, dict, set, frozenset, str, int, float, complex, bytes, bytearray)
_SHARED: dict[Any, str] = {list: "list", dict: "dict", set: "set", bytearray: "bytearray", collections.deque: "deque"}
_SHARED |= {collections.Counter: "Counter", collections.OrderedDict: "OrderedDict"}
_SHARED |= {collections.defaultdict: "defaultdict"}


class Back:  # its `__doc__` is that of the test's object
    # Stand in the kernel for a function or an object of the test; every use of it asks the test's side.

    __slots__ = ("__weakref__", "_ask", "_key")

    def __init__(self, ask: Any, key: Any) -> None:
        object.__setattr__(self, "_ask", ask)
        object.__setattr__(self, "_key", key)

    def __getattr__(self, name: Any) -> Any:
        if name.startswith("_") and name not in ("__name__", "__qualname__"):
            raise AttributeError(name)
        return self._ask(self._key, "attr", (name,), {})

    @property
    def __doc__(self) -> Any:  # type: ignore[override]
        return self._ask(self._key, "attr", ("__doc__",), {})

    def __setattr__(self, name: Any, value: Any) -> None:
        self._ask(self._key, "set", (name, value), {})

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask(self._key, "call", args, kwargs)

    def __iter__(self) -> Any:
        return self._ask(self._key, "iter", (), {})

    def __next__(self) -> Any:
        return self._ask(self._key, "next", (), {})

    def __len__(self) -> Any:
        return self._ask(self._key, "len", (), {})

    def __getitem__(self, key: Any) -> Any:
        return self._ask(self._key, "item", (key,), {})

    def __contains__(self, value: Any) -> Any:
        return self._ask(self._key, "contains", (value,), {})

    def __enter__(self) -> Any:
        return self._ask(self._key, "enter", (), {})

    def __exit__(self, *details: Any) -> None:
        self._ask(self._key, "exit", (), {})

    def __eq__(self, other: Any) -> Any:
        return self is other or self._ask(self._key, "eq", (other,), {})

    __hash__ = object.__hash__


def _defined_here(kind: Any) -> Any:
    """Return whether a student defined the class, so that it is more than a well-known type."""
    return kind.__module__ == "__main__" or kind.__module__ not in sys.stdlib_module_names


class LiveEncoder(Encoder):
    """Encode a value; what is no plain data becomes a reference, and containers are shared."""

    def __init__(self, objects: Any) -> None:
        super().__init__()
        self.objects: Any = objects
        self.heap: list[Any] = []
        self.refs: dict[str, Any] = {}
        self.seen: set[str] = set()

    def tree(self, value: Any, path: Any = ()) -> Any:
        kind = type(value)
        if kind is Back:
            return ["back", object.__getattribute__(value, "_key")]
        if self.objects.is_shared(value):
            try:
                return self.share(value)
            except RefusedError as refusal:
                is_large = refusal.kind == "size" and self.objects.shares(kind) in ("array", "frame")
                if not is_large and refusal.kind not in REFERABLE:
                    raise
                return self.reference(value)
        if isinstance(value, type) and value in self.objects.classes:
            return ["locked", self.objects.classes[value]]
        if kind in self.objects.classes and isinstance(value, enum.Enum) and value._name_ in kind.__members__:
            return ["member", [self.objects.classes[kind], value._name_]]
        if kind in self.objects.classes and issubclass(kind, tuple):
            return ["record", [self.objects.classes[kind], super().tree(tuple.__getitem__(value, slice(None)), path)]]
        if kind not in _BARE and issubclass(kind, _BARE) and _defined_here(kind) and not self.is_plain(value, kind):
            return self.reference(value)
        try:
            return super().tree(value, path)
        except RefusedError as refusal:
            if refusal.kind not in REFERABLE:
                raise
            return self.reference(value)

    def is_plain(self, value: Any, kind: Any) -> Any:
        """Return whether the encoder has a form for this class itself, such as a NumPy scalar or a namedtuple."""
        self.conversion(kind)
        return -id(kind) in self.types or (
            issubclass(kind, tuple) and hasattr(kind, "_fields") and kind.__mro__[1] is tuple
        )

    def share(self, value: Any) -> Any:
        objects = self.objects
        key = objects.key(value)
        if key in self.seen:
            return ["same", key]
        self.seen.add(key)
        kind, content = objects.shares(type(value)), None
        if kind == "made":
            content = ["made", [objects.classes_of[type(value)], super().tree(dict(value.__dict__), ())]]
        elif kind == "random":
            content = ["random", super().tree(state_of(value), ())]
        else:
            plain = Encoder() if kind in ("array", "frame") else None  # what is in them is plain data, or all is not
            content = plain.tree(value, ()) if plain else super().tree(value, ())
        text = json.dumps(content)
        if objects.texts.get(key) != text:
            objects.know(key, value, text)
            self.heap.append([key, kind, content])
        return ["same", key]

    def reference(self, value: Any) -> Any:
        known = id(value) in self.objects.keys
        key = self.objects.key(value)
        if not known or key not in self.objects.described:
            self.objects.described.add(key)
            self.refs[key] = _described(value, self.objects)
        return ["ref", key]


def _described(value: Any, objects: Any) -> Any:
    kind = type(value)
    about = {"type": _name(kind), "mro": _lineage(kind), "has": _special(kind), "library": _importable(value)}
    if isinstance(value, type):
        about["class"] = [_name(value), str(getattr(value, "__module__", ""))[:100]]
        about["exception"] = issubclass(value, BaseException)
        about["bases"] = [[_path(one), _name(one), objects.key(one) if _known(one) else ""] for one in _mro(value)]
    return about


def _importable(value: Any) -> Any:
    """Return the module and the name by which the value can be imported; nothing for the notebook's own objects."""
    if type(value) is type(sys):
        return [value.__name__, ""]
    if type(value).__module__ == "__main__" or not (isinstance(value, type) or callable(value)):
        return []
    with contextlib.suppress(Exception):  # a class can answer for its names by itself
        module, name = value.__module__, value.__qualname__
        if module != "__main__" and getattr(sys.modules[module], name) is value:
            return [module, name]
    return []


def _mro(kind: Any) -> Any:
    return type.__dict__["__mro__"].__get__(kind)[:MAX_MRO]


def _known(kind: Any) -> Any:
    return kind.__module__ == "__main__" or kind.__module__ not in sys.modules


def _path(kind: Any) -> Any:
    names = type.__dict__
    module = kind.__module__ if isinstance(kind.__module__, str) else ""
    return f"{module}:{names['__qualname__'].__get__(kind)}"[:200]


def _lineage(kind: Any) -> Any:
    return [_path(one) for one in _mro(kind)]


def _special(kind: Any) -> Any:
    """Return the special methods that the class has; those that every object has count only where it has its own."""
    found = []
    for name in DUNDERS:
        method = next((one.__dict__[f"__{name}__"] for one in _mro(kind) if f"__{name}__" in one.__dict__), None)
        if method is not None and method is not object.__dict__.get(f"__{name}__"):
            found.append(name)
    return found


class TestOver(BaseException):
    """The test has ended while the student's code was running."""


class Objects:
    """What the kernel keeps for one test: shared containers and referenced objects, by key."""

    def __init__(self, locked: Any, side: Any = "k") -> None:
        self.side, self.count = side, 0
        self.objects: dict[str, Any] = {}
        self.keys: dict[int, str] = {}
        self.texts: dict[str, str] = {}
        self.small: dict[str, None] = {}  # keys of those whose text is short
        self.prints: dict[str, Any] = {}  # of the others: what differs when an array has changed; None if unknown
        self.described: set[str] = set()
        self.classes = {kind: name for name, kind in locked.items()}
        self.classes_of = self.classes
        numpy: Any = sys.modules.get("numpy")
        pandas: Any = sys.modules.get("pandas")
        self.kinds = {**_SHARED, random.Random: "random"}
        self.kinds |= {numpy.ndarray: "array"} if numpy is not None else {}
        if hasattr(numpy, "random"):
            self.kinds |= {numpy.random.Generator: "random", numpy.random.RandomState: "random"}
        self.kinds |= {pandas.DataFrame: "frame", pandas.Series: "frame"} if hasattr(pandas, "DataFrame") else {}

    def shares(self, kind: Any) -> Any:
        is_made = kind in self.classes_of and not issubclass(kind, (enum.Enum, BaseException, *_BARE))
        return self.kinds.get(kind) or ("made" if is_made else "")

    def know(self, key: Any, value: Any, text: Any) -> None:
        """Remember the content that both sides know of a container."""
        self.texts[key] = text
        if len(text) < MAX_SYNCED:
            self.small[key] = None
        else:
            self.small.pop(key, None)
            self.prints[key] = print_of(value) if self.shares(type(value)) == "array" else None

    def possibly_changed(self, named: Any) -> Any:
        """Return the keys of containers to compare again: all small ones, and large ones that a request names."""
        large = [key for key in named if key in self.texts and key not in self.small]
        seen = [key for key in large if self.prints[key] is None or self.prints[key] != print_of(self.objects[key])]
        return [*self.small, *seen]

    def is_shared(self, value: Any) -> Any:
        """Return whether both sides have a copy; a random generator is shared only if it is the test's."""
        kind = self.shares(type(value))
        return kind and (kind != "random" or self.keys.get(id(value), "").startswith("j"))

    def key(self, value: Any) -> Any:
        """Return the key of an object; a new object gets a new one."""
        return self.keys.get(id(value)) or self.keys[id(self.add(self.new_key(), value))]

    def new_key(self) -> Any:
        self.count += 1
        return f"{self.side}{self.count}"

    def add(self, key: Any, value: Any) -> Any:
        self.objects[key] = value
        self.keys[id(value)] = key
        return value


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: Any, server: Any) -> None:
        super().__init__(data)
        self.server = server

    def persistent_load(self, key: Any) -> Any:
        kind, name = key
        if kind == "back":
            return self.server.back(name)
        if kind == "class":
            return self.server.namespace[name]
        if kind == "member":
            return self.server.namespace[name[0]][name[1]]
        if kind == "record":
            own = self.server.namespace.get(name[0])
            return own if getattr(own, "_fields", None) == name[1] else collections.namedtuple(*name)
        if kind == "module":
            return importlib.import_module(name)
        if kind == "function":
            return getattr(importlib.import_module(name.rpartition(".")[0]), name.rpartition(".")[2])
        self.server.named.add(name)
        return self.server.objects.objects[name]


class Server:
    """Answer the requests of one test."""

    def __init__(self, ask: Any, namespace: Any) -> None:
        self.ask, self.namespace = ask, namespace
        self.objects = Objects({})
        self.backs: dict[str, Back] = {}
        self.told: dict[str, Any] = {}  # values of names that the other side need not ask for again
        self.number, self.over = 0, False
        self.named: set[str] = set()  # keys of objects in the running request: student code may have changed them
        self.printed = io.StringIO()
        self.warned: list[Any] = []
        self.files: dict[str, Any] = {}
        self.deleted: dict[str, Any] = {}  # by the test
        self.lent: dict[str, Any] = {}  # values of names that have one of the test's functions meanwhile
        self.loop: Any = None

    def lock(self, names: Any) -> None:
        """Declare classes of locked cells, whose instances cross as data."""
        kinds = {name: self.namespace.get(name) for name in names}
        self.objects.classes.update({kind: name for name, kind in kinds.items() if isinstance(kind, type)})

    def back(self, key: Any) -> Any:
        if key not in self.backs:
            self.backs[key] = self.objects.add(key, Back(self.call_back, key))
        return self.backs[key]

    def answers(self, names: Any, expressions: Any) -> Any:
        """Return the first message: the values of the answers and of the lines marked as evidence."""
        encoder, entries, namespace = LiveEncoder(self.objects), {}, dict(self.namespace)
        for name, source in {**dict.fromkeys(names), **expressions}.items():
            entries[name] = self.entry(encoder, namespace, name, source)
        return self.message(encoder, {"answers": entries})

    def entry(self, encoder: Any, namespace: Any, name: Any, source: Any) -> Any:
        if source is None and name not in namespace:
            return {"missing": []}
        try:
            value = namespace[name] if source is None else eval(source, namespace)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return {"raised": _raised(error)}
        namespace[name] = value
        try:
            return {"value": self.tell(name, value, encoder.tree(value))}
        except RefusedError as refusal:
            return {"refused": [refusal.kind, refusal.of]}

    def tell(self, name: Any, value: Any, tree: Any) -> Any:
        """Note that a name's value was sent, if it stays the same there for as long as the name has this value."""
        if type(value) in ATOMS or tree[0] in ("ref", "same", "back", "locked"):
            self.told[name] = value
        return tree

    def message(self, encoder: Any, content: Any) -> Any:
        for key in self.objects.possibly_changed(self.named):  # in place
            if key not in encoder.seen:
                with contextlib.suppress(RefusedError):
                    encoder.share(self.objects.objects[key])
        text, self.printed = self.printed.getvalue()[:MAX_PRINTED], io.StringIO()
        warned = [[str(one.message), self.lineage(one.category)] for one in self.warned[-MAX_WARNED:]]
        self.warned.clear()
        names = [name for name, value in self.told.items() if self.namespace.get(name, self) is value]
        about = {"heap": encoder.heap, "refs": encoder.refs, "printed": text, "warned": warned, "names": names}
        return json.dumps({"n": str(self.number), **about, **content})

    def lineage(self, kind: Any) -> Any:
        return [[_path(one), _name(one), self.objects.key(one) if _known(one) else ""] for one in _mro(kind)]

    def run(self, first: Any) -> None:
        """Answer requests until the test ends; an empty text ends it."""
        reply = first
        with contextlib.suppress(TestOver):
            while True:
                reply = self.reply(*self.exchange(reply))
                self.named.clear()

    def exchange(self, message: Any) -> Any:
        """Send a message and return the next request; raise TestOver if there is none, and from then on."""
        text = "" if self.over else self.ask(message)
        self.over = not text
        if self.over:
            raise TestOver
        return self.read(text)

    def read(self, text: Any) -> Any:
        number, packed = text.split(" ", 1)
        self.number = int(number)
        loader = _Unpickler(io.BytesIO(base64.b64decode(packed)), self)
        request, fills, new = loader.load(), loader.load(), loader.load()
        for key, value in new.items():
            self.objects.add(key, value)
        self.named.update(new)
        for key, content in fills:
            _fill(self.objects.objects[key], content)
        encoder = LiveEncoder(self.objects)  # only to remember what both sides know now
        for key in [*new, *(key for key, _ in fills)]:
            with contextlib.suppress(RefusedError):
                encoder.share(self.objects.objects[key])
        return request

    def reply(self, what: Any, *args: Any) -> Any:
        try:
            with self.surroundings(args[-1] if what in ("call", "import", "await") else {}):
                value = getattr(self, f"do_{what}")(*args)
        except TestOver:
            raise
        except BaseException as error:  # an interrupt too: the other side knows the time
            failing = LiveEncoder(self.objects)
            return self.message(failing, {"raised": self.raised(failing, error)})
        encoder: Any = Encoder() if what == "data" else LiveEncoder(self.objects)
        try:
            tree = encoder.tree(value, ())
            tree = self.tell(args[0], value, tree) if what == "name" else tree
        except RefusedError as refusal:
            return self.message(LiveEncoder(self.objects), {"refused": [refusal.kind, refusal.of]})
        return self.message(LiveEncoder(self.objects) if what == "data" else encoder, {"value": tree})

    def raised(self, encoder: Any, error: Any) -> Any:
        kind = type(error)
        try:
            arguments = encoder.tree(tuple(error.args))
        except BaseException:
            arguments = None
        return {"about": _raised(error), "mro": self.lineage(kind), "args": arguments, "ref": encoder.reference(error)}

    @contextlib.contextmanager
    def surroundings(self, patches: Any) -> Any:
        """Redirect what is printed, and replace what the test has replaced."""

        def no_input(prompt: Any = "") -> Any:
            raise EOFError("this test gives no input")

        patches = {"builtins.input": no_input, **patches}
        places = [(sys.modules.get(name.rpartition(".")[0]), name.rpartition(".")[2]) for name in patches]
        before = [getattr(module, name, None) for module, name in places]
        for (module, name), value in zip(places, patches.values(), strict=True):
            setattr(module, name, value)
        try:
            with contextlib.redirect_stdout(self.printed), warnings.catch_warnings():
                warnings.simplefilter("always")
                warnings.showwarning = self.warn  # type: ignore[assignment]
                yield
        finally:
            for (module, name), value in zip(places, before, strict=True):
                setattr(module, name, value)

    def warn(self, message: Any, category: Any, *place: Any) -> None:
        """Keep a warning for the test."""
        self.warned.append(warnings.WarningMessage(message, category, "", 0))

    def call_back(self, key: Any, what: Any, args: Any, kwargs: Any) -> Any:
        encoder = LiveEncoder(self.objects)
        trees = [encoder.tree(tuple(args)), Encoder.tree(encoder, dict(kwargs), ())]
        message = self.message(encoder, {"back": [key, what, *trees]})
        while True:
            request = self.exchange(message)
            if request[0] != "return":
                message = self.reply(*request)
                continue
            if request[1] is not None:
                raise request[1]
            return request[2]

    def do_call(self, function: Any, args: Any, kwargs: Any, patches: Any) -> Any:
        return function(*args, **kwargs)

    def do_data(self, value: Any) -> Any:
        return value

    def do_name(self, name: Any) -> Any:
        return self.namespace[name]

    def do_has(self, name: Any) -> Any:
        return name in self.namespace

    def do_names(self) -> Any:
        return [name for name in self.namespace if type(name) is str]

    def do_set(self, name: Any, value: Any) -> None:
        if type(value) is Back:
            self.lent.setdefault(name, self.namespace.get(name, self.deleted.get(name, self)))
        self.namespace[name] = value

    def do_delete(self, name: Any) -> None:
        self.deleted[name] = self.namespace.pop(name)

    def leave(self) -> None:
        """Put back what names had before the test's own functions, which nobody answers for when the test is over."""
        for name, value in self.lent.items():
            if type(self.namespace.get(name)) is Back:
                del self.namespace[name]
                if value is not self:
                    self.namespace[name] = value

    def do_import(self, name: Any, patches: Any) -> Any:
        return importlib.import_module(name)

    def do_await(self, awaitable: Any, patches: Any) -> Any:
        """Return the result of a coroutine, run in another thread because the kernel's loop is running in this one."""
        results: list[tuple[Any, BaseException | None]] = []
        self.loop = self.loop or asyncio.new_event_loop()  # one for all, since queues and locks belong to one

        async def wait() -> Any:
            return await awaitable

        def work() -> Any:
            try:
                results.append((self.loop.run_until_complete(wait()), None))
            except BaseException as error:
                results.append((None, error))

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        value, error = results[0]
        if error is not None:
            raise error
        return value

    def do_files(self, folder: Any) -> Any:
        """Return the files below the working folder, by path, as far as they are not too large together."""
        self.files = {}
        return self.do_changed(folder)

    def do_changed(self, folder: Any) -> Any:
        """Return the files that student code has changed; `folder` is for temporary files."""
        changes, self.files = changed_files(self.files, folder)
        return changes

    def do_write(self, files: Any, folder: Any) -> None:
        """Write what the test has written."""
        write_files(files)
        self.files = files_of(folder)


def files_of(folder: Any) -> Any:
    """Return the time and the size of each file below the working folder and `folder`; a folder's path ends in `/`."""
    found: dict[str, tuple[int, int]] = {}
    for root in (pathlib.Path(), pathlib.Path(folder)):
        for path in sorted(root.rglob("*")):
            with contextlib.suppress(OSError):  # removed just now, or a link to nothing
                about = path.stat()
                name = path.as_posix() + ("/" if path.is_dir() else "")
                found[name] = (0, 0) if path.is_dir() else (about.st_mtime_ns, about.st_size)
    return found


def changed_files(before: Any, folder: Any) -> Any:
    """Return what has changed, by path: contents, or None for a file that is gone; and what is there now.

    Of files that are too large together, some are left out.
    """
    now, size = files_of(folder), 0
    changes: dict[str, Any] = dict.fromkeys(before.keys() - now.keys())
    for name, about in now.items():
        size += about[1]
        if before.get(name) != about and size <= FILES:
            with contextlib.suppress(OSError):
                changes[name] = b"" if name.endswith("/") else pathlib.Path(name).read_bytes()
    return changes, now


def write_files(files: Any) -> None:
    """Write files and folders, and remove those whose content is None."""
    for name, content in files.items():
        path = pathlib.Path(name)
        with contextlib.suppress(OSError):  # a folder that does not exist here
            if content is None:
                path.rmdir() if name.endswith("/") else path.unlink()
            elif name.endswith("/"):
                path.mkdir(parents=True, exist_ok=True)
            elif type(content) is bytes:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)


def _fill(target: Any, content: Any) -> None:
    """Give a container the content of another one of its class."""
    kind = type(target)
    if kind in (list, bytearray):
        target[:] = content
    elif kind is collections.deque:
        target.clear()
        target.extend(content)
    elif isinstance(target, (dict, set)):
        target.clear()
        target.update(content)
    elif hasattr(target, "setstate"):
        target.setstate(content)
    elif hasattr(target, "bit_generator"):
        target.bit_generator.state = content
    elif hasattr(target, "set_state"):
        target.set_state(content)
    elif hasattr(target, "__array_interface__") and not hasattr(target, "iloc"):
        target[...] = content
    elif hasattr(target, "iloc"):
        kind.__init__(target, content)
    else:
        target.__dict__.clear()
        target.__dict__.update(content.__dict__ if not isinstance(content, dict) else content)


def print_of(array: Any) -> Any:
    """Return what differs when an array has changed."""
    return array.shape, array.dtype.str, hash(array.tobytes())


def state_of(generator: Any) -> Any:
    """Return the state of a random generator, as data."""
    if hasattr(generator, "getstate"):
        return generator.getstate()
    if hasattr(generator, "bit_generator"):
        return generator.bit_generator.state
    return generator.get_state(legacy=False)


def channel(kernel: Any) -> Any:
    """Return the function that sends a text to the test's side and returns its reply, like the kernel's `raw_input`.

    It uses the same socket and the same messages, but sends only what differs from message to message, and does not
    wait for the thread that flushes what was printed.
    """
    socket, session, parent = kernel.stdin_socket, kernel.session, kernel.get_parent("shell")
    own = parent["header"]["session"].encode()  # the client's name for its socket
    constant: tuple[Any, ...] = (session.msg_header("input_request"), parent["header"], {})
    before = [*map(session.pack, constant)]

    def ask(text: Any) -> Any:
        parts = [*before, session.pack({"prompt": text, "password": False})]
        socket.send_multipart([own, SEPARATOR, session.sign(parts), *parts])
        while True:
            _, mark, signature, *parts = socket.recv_multipart()
            if mark == SEPARATOR and hmac.compare_digest(session.sign(parts[:4]), signature):
                return session.unpack(parts[3])["value"]

    return ask


def serve(shell: Any, ask: Any, names: Any, expressions: Any, locked: Any, keep: Any) -> None:
    """Serve one test. With `keep`, the objects of the notebook's earlier tests keep their keys."""
    server = shell.__dict__.get("_served") if keep else None
    if server is None:
        server = Server(ask, shell.user_ns)
    if keep:
        shell.__dict__["_served"] = server
    server.lock(locked)
    server.ask, server.number, server.over = ask, 0, False
    server.run(server.answers(names, expressions))
    server.leave()
