"""Read replies: values, references, and the contents of the containers that both sides have.

A reply is JSON that the student's process has written. Whatever it holds becomes data or a `DamageError`.
"""

import enum
import json
import sys
from typing import Any

from autograder.evidence.reader import Reader
from autograder.evidence.reader_leaves import DamageError
from autograder.evidence.server.shared import fill
from autograder.judging.live.generators import follow
from autograder.judging.live.known import Known, Maker
from autograder.model import Reason

MAX_OBJECTS = 200_000


class _LiveReader(Reader):
    """Decode a value that may refer to shared containers, references and the test's own objects."""

    def __init__(self, known: Known) -> None:
        super().__init__()
        self.known = known

    def unknown(self, tag: str, body: Any, depth: int) -> Any:
        if tag in ("member", "record") and isinstance(body, list) and len(body) == 2 and isinstance(body[0], str):
            return self._of_locked_class(tag, self.known.locked_class(body[0]), body[1], depth)
        if isinstance(body, str):
            if tag in ("same", "back"):
                return self.known.by_key(body)
            if tag == "ref":
                return self.known.reference(body)
            if tag == "locked":
                return self.known.locked_class(body)
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


class Replies(Known):
    """What both sides know, as the replies bring it up to date."""

    def __init__(self, make: Maker) -> None:
        super().__init__(make)
        self.changed: set[str] = set()  # the test's own objects that the last request changed
        self.ignore_changes = False  # of the test's own containers
        self.warned: list[Any] = []  # warnings of the notebook that the test has not seen yet

    def value(self, node: Any) -> Any:
        """Decode one value."""
        return _LiveReader(self).value(node, 0)

    def apply(self, reply: dict[str, Any]) -> None:
        """Take over what a reply brings besides its value: references, containers, what was printed, warnings."""
        try:
            self._take_all(reply)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise DamageError("a container of unknown form") from error

    def _take_all(self, reply: dict[str, Any]) -> None:
        refs, heap = reply.get("refs", {}), reply.get("heap", [])
        if not isinstance(heap, list) or len(self.objects.objects) > MAX_OBJECTS:
            raise DamageError("a message of unknown form")
        self.learn(refs)
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

    def learn(self, refs: Any) -> None:
        """Learn what new references refer to."""
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


def _is_key(key: Any, sides: str = "kj") -> bool:
    return isinstance(key, str) and 1 < len(key) < 20 and key[0] in sides and key[1:].isdigit()
