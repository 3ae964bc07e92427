"""The README: an instructor's section that walks a term, by commands that there are."""

import re
import shlex

import pytest

from autograder.cli.parser import parse
from autograder.tests.support import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
INSTRUCTOR = README.partition("## I am an instructor")[2].partition("\n## ")[0]
TERM = [
    "Set up",
    "Release",
    "Collect",
    "Grade",
    "Mark written answers",
    "Report",
    "Export",
    "Give feedback",
    "Change a question",
]


def test_the_instructors_section_walks_a_term() -> None:
    assert [step for step in re.findall(r"^\*\*([^*]+)\.\*\* ", INSTRUCTOR, re.MULTILINE) if step in TERM] == TERM


def test_every_target_that_it_names_is_there() -> None:
    known = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make ([a-z]+)", README, re.MULTILINE))
    assert {"mark", "grade", "formgrader"} <= named
    assert named <= known


@pytest.mark.parametrize("line", sorted(set(re.findall(r"^make [a-z]+ ARGS=.*?(?=  |$)", INSTRUCTOR, re.MULTILINE))))
def test_every_line_with_options_is_understood(line: str) -> None:
    _, target, options = shlex.split(line)
    parse([target, *shlex.split(options.removeprefix("ARGS="))])
