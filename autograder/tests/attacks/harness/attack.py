"""Attacks as data: read from the files of this folder."""

import dataclasses
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from nbformat import NotebookNode

from autograder.course.course import Course
from autograder.course.limits import Limits
from autograder.tests.attacks import cases
from autograder.tests.support import ROOT

TINY, FUNCTIONS, ALL = "tiny", "functions", "*"
OF_THE_BENCH = (TINY, FUNCTIONS)  # the notebooks that are not this course's own


@dataclass(frozen=True)
class Expected:
    """What is to become of one question."""

    word: str
    part: str  # of the rationale, or the reason of `no evidence`
    points: float = 0.0


@dataclass(frozen=True)
class Attack:
    """One attack; the fields are described in the folder's docstring."""

    name: str
    says: str
    notebook: str = TINY
    cells: Mapping[str, str] = dataclasses.field(default_factory=dict)
    first: str = ""
    extra: Mapping[str, str] = dataclasses.field(default_factory=dict)
    change: Callable[[NotebookNode], None] | None = None
    files: Mapping[str, str | bytes] = dataclasses.field(default_factory=dict)
    symlinks: Mapping[str, str] = dataclasses.field(default_factory=dict)
    pipes: tuple[str, ...] = ()
    expect: Mapping[str, Expected] = dataclasses.field(default_factory=dict)
    honest: tuple[str, ...] | None = None
    limits: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    seconds: float = 60.0
    in_a_browser: bool = False
    gain: str = "full marks"
    decided: bool = False

    @property
    def title(self) -> str:
        """The name as words."""
        return self.name.replace("_", " ")

    def expected(self, question: str) -> Expected | None:
        """What is to become of a question; None where it must earn full marks, or where nothing is said of it."""
        return self.expect.get(question) or self.expect.get(ALL)

    def must_earn(self, question: str) -> bool:
        """Must this question still earn full marks?"""
        return question in self.honest if self.honest is not None else self.expected(question) is None

    def bounds(self) -> Limits:
        """The limits it runs under; the course's own notebooks have their modules loaded before, as in a real class."""
        bounds = {"cell_seconds": seconds(self.notebook), "start_seconds": 30.0, **self.limits}
        return Limits(**bounds) if self.notebook in OF_THE_BENCH else replace(of_this_course(), **bounds)


def seconds(notebook: str) -> float:
    """Return the seconds that a cell of this notebook has."""
    return 5.0 if notebook in OF_THE_BENCH else 30.0


@cache
def of_this_course() -> Limits:
    """Return the limits that this course sets."""
    return Course.at(ROOT).limits


@cache
def found() -> dict[str, Attack]:
    """All attacks by name, sorted."""
    names = sorted(module.name for module in pkgutil.iter_modules(cases.__path__) if not module.ispkg)
    return {name: _read(name) for name in names if name != "__main__"}


def _read(name: str) -> Attack:
    module = importlib.import_module(f"{cases.__name__}.{name}")
    fields = [field.name for field in dataclasses.fields(Attack)]
    given = {field: getattr(module, field.upper()) for field in fields if hasattr(module, field.upper())}
    unknown = {key for key in vars(module) if key[0].isalpha() and key.isupper()} - {field.upper() for field in fields}
    assert not unknown, f"{name}: unknown constants {sorted(unknown)}"
    given["expect"] = {question: Expected(*entry) for question, entry in given.get("expect", {}).items()}
    return Attack(name=name, says=(module.__doc__ or "").strip(), **given)
