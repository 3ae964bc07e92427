"""Serve one test: exchange messages with the test's side, and keep the notebook's surroundings while student code runs.

`serve` is what the grader's cell calls, with the function that `channel` returns.
"""

import base64
import collections
import contextlib
import errno
import hmac
import importlib
import io
import json
import pickle
import sys
import time
import warnings
from typing import Any

from autograder.evidence.encoder import Encoder, RefusedError, _raised
from autograder.evidence.server.live_encoder import LiveEncoder, bases_of
from autograder.evidence.server.proxies import Back
from autograder.evidence.server.requests import Requests
from autograder.evidence.server.shared import Objects, fill

TRIES, PAUSE = 500, 0.01  # to send a message to a client that is about to connect, with so many seconds in between
SEPARATOR = b"<IDS|MSG>"  # in a Jupyter message, between addresses and content
MAX_PRINTED = 2**20  # characters that one request may print
MAX_WARNED = 100  # warnings that one message brings
ATOMS = (int, float, str, bytes, bool, complex, type(None))


class TestOver(BaseException):
    """The test has ended while the student's code was running."""


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


class Server(Requests):
    """Answer the requests of one test."""

    def __init__(self, ask: Any, namespace: Any) -> None:
        super().__init__(namespace)
        self.ask = ask
        self.objects = Objects({})
        self.backs: dict[str, Back] = {}
        self.told: dict[str, Any] = {}  # values of names that the other side need not ask for again
        self.number, self.over = 0, False
        self.named: set[str] = set()  # keys of objects in the running request: student code may have changed them
        self.printed = io.StringIO()
        self.warned: list[Any] = []

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
        warned = [[str(one.message), bases_of(one.category, self.objects)] for one in self.warned[-MAX_WARNED:]]
        self.warned.clear()
        names = [name for name, value in self.told.items() if self.namespace.get(name, self) is value]
        about = {"heap": encoder.heap, "refs": encoder.refs, "printed": text, "warned": warned, "names": names}
        return json.dumps({"n": str(self.number), **about, **content})

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
            fill(self.objects.objects[key], content)
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
        return {
            "about": _raised(error),
            "mro": bases_of(kind, self.objects),
            "args": arguments,
            "ref": encoder.reference(error),
        }

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
        _send(socket, [own, SEPARATOR, session.sign(parts), *parts])
        while True:
            _, mark, signature, *parts = socket.recv_multipart()
            if mark == SEPARATOR and hmac.compare_digest(session.sign(parts[:4]), signature):
                return session.unpack(parts[3])["value"]

    return ask


def _send(socket: Any, parts: Any) -> None:
    """Send a message to a client, which may be about to connect: without this option it would be lost then."""
    zmq = sys.modules["zmq"]
    socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
    try:
        for _ in range(TRIES):
            try:
                socket.send_multipart(parts)
                return
            except zmq.ZMQError as error:
                if error.errno != errno.EHOSTUNREACH:
                    raise
                time.sleep(PAUSE)
    finally:
        socket.setsockopt(zmq.ROUTER_MANDATORY, 0)


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
