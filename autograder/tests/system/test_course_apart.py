"""The grader names no course: what belongs to this one is in autograder/rnn/ or beside its notebooks."""

import ast
import re
from pathlib import Path

import pytest

import autograder

PACKAGE = Path(autograder.__file__).parent
APART = ("rnn", "tests", "docs", "lite", "bench")  # folders that may know this course, and its Makefile
KINDS = (".py", ".html", ".json")
WORDS = re.compile(r"keras|tensorflow|timesteps|-why|rnn_shapes|\bmake [a-z]+`|`make\b|\brun make\b", re.IGNORECASE)
FILES = sorted(
    path
    for path in PACKAGE.rglob("*")
    if path.suffix in KINDS and path.relative_to(PACKAGE).parts[0] not in APART and path.is_file()
)


def _allowed(path: Path, source: str) -> set[int]:
    """The lines of the evidence encoder's table of well-known types."""
    if path != PACKAGE / "evidence" / "encoder.py":
        return set()
    (table,) = [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "TENSORS"
    ]
    assert table.end_lineno is not None
    return set(range(table.lineno, table.end_lineno + 1))


def _names(source: str) -> set[str]:
    """All names that Python source binds or reads."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        found |= {value for key in ("id", "attr", "arg", "name") if isinstance(value := getattr(node, key, None), str)}
    return found


def test_there_are_files_to_look_at() -> None:
    assert len(FILES) > 60
    assert {path.suffix for path in FILES} == set(KINDS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_file_of_the_grader_names_the_course(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    allowed = _allowed(path, source)
    lines = enumerate(source.splitlines(), 1)
    assert [f"{number}: {line}" for number, line in lines if WORDS.search(line) and number not in allowed] == []
    if path.suffix == ".py":
        assert "units" not in _names(source)
        assert "autograder.rnn" not in source


def test_the_table_of_well_known_types_is_where_it_is_looked_for() -> None:
    path = PACKAGE / "evidence" / "encoder.py"
    assert len(_allowed(path, path.read_text(encoding="utf-8"))) == 6
