"""Exchange messages with the objects of a student's kernel, from the test's side. `evidence.server` is the other half.

Theory of operation. Only this side asks. A request is a pickle of a tuple, and the kernel unpickles it: the test is
trusted, so nothing is lost by that. A reply is JSON, which is re-made as plain data. Keys name what both sides know.
Lists, dicts, sets, arrays and frames exist on both sides; each message brings the contents of those that changed.
Functions and objects of the test go over as `back` entries; the kernel may call a function, and use an object's public
names, and nothing else.

    request                                    what the kernel does
    call function args keywords patches        call it; names in `patches` have other values meanwhile
    name, has, set, delete, names              use the notebook's names
    data value                                 send a plain copy of a referenced object, or refuse
    import name patches, await object patches  import a module, finish a coroutine
    files folder, changed folder               send the notebook's files, and those that changed, also in `folder`
    write files folder                         write what the test has written
    return error value                         the result of a call back

`known` keeps the keys. `requests` writes requests, `replies` reads replies, and `callbacks` does what the kernel asks
of the test's functions and objects. This module sends, waits, and counts.
"""

import contextlib
import warnings
from collections.abc import Callable
from typing import Any

from autograder.errors import EvidenceError
from autograder.evidence.decoder import _details, _json
from autograder.evidence.encoder import MAX_TEXT
from autograder.evidence.reader_leaves import DamageError
from autograder.evidence.refusals import Refusal, refused
from autograder.judging.live.callbacks import use
from autograder.judging.live.known import Maker
from autograder.judging.live.replies import MAX_OBJECTS, Replies
from autograder.judging.live.requests import UNSENDABLE, packed
from autograder.model import Reason

MAX_DEPTH = 50  # calls back inside each other
MAX_REQUESTS = 20_000
MAX_WARNINGS = 100  # of one message


class Wire(Replies):
    """The channel of one test, or of a notebook's tests if these share names.

    Args:
        ask: Send a text to the kernel's server and return its answer.
        make: Make references and exceptions from what the kernel says of them.
    """

    def __init__(self, ask: Callable[[str], str], make: Maker) -> None:
        super().__init__(make)
        self.ask = ask
        self.number = self.depth = 0
        self.assertions: list[AssertionError] = []  # that the test's own functions raised when the kernel called them
        self.fresh: dict[str, Any] = {}  # values of names, as long as the kernel has the same there

    def request(self, what: str, *args: Any) -> Any:
        """Send a request and return its value; raise what the student's code raises, or TestEnded."""
        self._require_open()
        return self._finished(self._send((what, *args)))

    def mirror(self, name: str, value: Any) -> None:
        """Set a name in the kernel, too. A value that cannot be sent stays here, on the solution's run as on others."""
        self._require_open()
        with contextlib.suppress(*UNSENDABLE):
            self._finished(self._exchange(packed(self, ("set", name, value))))

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
            self.apply(reply)
            entries = reply.get("answers")
            if not isinstance(entries, dict):
                raise DamageError("no answers")
            return entries
        except DamageError as damage:
            return dict(self.end(Reason.DAMAGED, f"the notebook sent something that is not an answer ({damage})"))

    def describe(self, text: str) -> None:
        """Learn from the kernel's first message what its references refer to, before the message itself is read."""
        try:
            self.learn(self._parsed(text, 0).get("refs", {}))
        except DamageError as damage:
            self.end(Reason.DAMAGED, f"the notebook sent something that is not an answer ({damage})")

    def _send(self, request: tuple[Any, ...]) -> dict[str, Any]:
        try:
            text = packed(self, request)
        except UNSENDABLE as error:
            what = f"the test passes something that cannot be sent ({error})"
            self.end(Reason.NOT_SUPPORTED, what, "pass data, or a function that the test defines")
        return self._exchange(text)

    def _exchange(self, request: str) -> dict[str, Any]:
        self.number += 1
        try:
            return self._parsed(self.ask(f"{self.number} {request}"), self.number)
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

    def _result(self, reply: dict[str, Any]) -> Any:
        self.apply(reply)
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
            error = self.make.exception(self, raised)
        except (ValueError, TypeError, LookupError, AttributeError) as damage:
            raise DamageError("an exception of unknown form") from damage
        return error

    def _warn(self) -> None:
        """Warn the test as the student's code did; it may want errors instead."""
        warned, self.warned = self.warned, []
        for text, lineage in warned[:MAX_WARNINGS]:
            try:
                warning = self.make.warning(self, lineage)(str(text)[:1000])
            except (ValueError, TypeError, LookupError, AttributeError) as damage:
                raise DamageError("a warning of unknown form") from damage
            warnings.warn(warning, stacklevel=2)

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
            self.apply(reply)
            args, keywords = self.value(back[2]), self.value(back[3])
            value = use(self.backs[back[0]], back[1], args, keywords, self._changes(back[0]))
            result: tuple[Any, ...] = ("return", None, value)
        except DamageError as damage:
            self.end(Reason.DAMAGED, f"the notebook sent something that is not a call ({damage})")
        except Exception as error:
            if isinstance(error, AssertionError):
                self.assertions.append(error)
            result = ("return", error, None)
        finally:
            self.depth -= 1
        return self._send(result)

    def _changes(self, key: str) -> Callable[[str, Any], None]:
        """Return the function that sets an attribute of an object of the test."""

        def change(name: str, value: Any) -> None:
            self.changed.add(key)
            if not self.ignore_changes:
                setattr(self.backs[key], name, value)

        return change
