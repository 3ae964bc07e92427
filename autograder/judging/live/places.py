"""Keep the places of a test where the solution's own run met an object, and hold every other run to them.

Theory of operation. Reading an object is free: it does not see what the test expects. But an object that is compared or
combined with the test's data, or called with it, could answer what the test wants to hear. So these operations are open
to objects only at those places where the solution had an object, too. A place is the stack of positions in the test and
the operation. `instrument` marks each visit of a place, so that visits with data are known as well: where the visits
of the solution were mixed, they are compared one by one.
"""

import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import CodeType, FrameType
from typing import Any

from autograder.judging.seal import PRELUDE, TEST

MAX_VISITS = 5_000
OPEN, DATA, NEW = "open", "data", "new"
DECIDING = frozenset({"eq", "ne", "lt", "le", "gt", "ge", "contains", "bool", "instancecheck", "subclasscheck"}) | {
    "library"
}


class Places:
    """The places of one run of a test; with `proof`, the run of a submission, else that of the solution."""

    def __init__(self, proof: Mapping[str, Any] | None) -> None:
        self.proof = proof
        self.visits: dict[str, list[bool]] = {}
        self.operations: dict[str, set[str]] = {}
        self.changed: set[str] = set()  # calls that changed the test's own containers
        self.decided: set[int] = set()  # lines where an object decides
        self.libraries: dict[str, list[str]] = {}  # where the solution's run got a part of a library: its path
        self.last = ""

    def visit(self, is_condition: bool = False) -> str:
        """Mark a visit of the place that is running now; a condition's place is not that of its operation."""
        self.last = key = f"{self.key()} ?" if is_condition else self.key()
        visits = self.visits.setdefault(key, [])
        if len(visits) < MAX_VISITS:
            visits.append(False)
        return key

    def key(self) -> str:
        """Return the place that is running now."""
        places = []
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if frame.f_code.co_filename in (TEST, PRELUDE):
                places.append(_positions(frame.f_code)[frame.f_lasti // 2])
            frame = frame.f_back
        return " ".join(places[:20])

    def meet(self, operation: str) -> str:
        """Meet an object in an operation: return OPEN, or DATA if the solution had data here, or NEW if it never came.

        On the solution's run, every place becomes open.
        """
        key = self.last if operation == "bool" else self.key()
        if self.proof is None:
            self.visits.setdefault(key, [False])[-1] = True
            self.operations.setdefault(key, set()).add(operation)
            if operation in DECIDING:
                self.decide(key)
            return OPEN
        if key in self.visits:
            return self._allowed(key, operation, len(self.visits[key]) - 1)
        return self._allowed_unmarked(key, operation)

    def _allowed_unmarked(self, key: str, operation: str) -> str:
        """Return the same for a place without a hook, such as a loop's iterable, where visits with data leave no mark.

        The solution came this way if it was at the last place with a hook.
        """
        assert self.proof is not None
        if operation in self.proof["places"].get(key, ("", ()))[1]:
            return OPEN
        return DATA if self.last in self.proof["places"] else NEW

    def _allowed(self, key: str, operation: str, visit: int) -> str:
        assert self.proof is not None
        known = self.proof["places"].get(key)
        if known is None:
            return NEW
        visits, operations = known
        if operation not in operations or "1" not in visits:
            return DATA
        if "0" not in visits:
            return OPEN
        if visit >= len(visits):
            return NEW
        return OPEN if visits[visit] == "1" else DATA

    def decide(self, key: str = "") -> None:
        """Note that an object decides here: it was asked to compare itself, or how far it is from another one."""
        key = key or self.key()
        if key:
            self.decided.add(int(key.split(":", 1)[0]))

    def library(self, path: list[str], own: Callable[[], Any], value: Any) -> Any:
        """Return this process' part of a library where the solution's run met the same one, otherwise `value`."""
        key = self.key()
        known = None if self.proof is None else self.proof.get("parts", {}).get(key, [])
        is_same = path[0] in sys.modules if known is None else known == path  # not loaded: nothing to compare it with
        found = own() if is_same else None
        if found is None:
            return value
        self.libraries[key] = path
        return found

    def change(self, argument: str) -> bool:
        """Note that a call changed a container of the test; return whether the solution changed the same argument."""
        key = f"{self.key()} #{argument}"
        if self.proof is None:
            self.changed.add(key)
            return True
        return key in self.proof["changed"]

    def to_data(self) -> dict[str, Any]:
        """Return what the proof keeps: for each place its visits, shortened where all are alike, and its operations."""
        places = {}
        for key, visits in self.visits.items():
            text = "".join("01"[visit] for visit in visits)
            places[key] = [text if len(set(text)) == 2 else text[:1], sorted(self.operations.get(key, ()))]
        about = {"changed": sorted(self.changed), "decided": sorted(self.decided), "parts": self.libraries}
        return {"places": places, **about}


@lru_cache(maxsize=256)
def _positions(code: CodeType) -> list[str]:
    return [":".join(str(part) for part in place) for place in code.co_positions()]
