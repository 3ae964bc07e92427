"""One tree of exceptions: what rooms raise at each other is in it, and each says how a command ends."""

import ast
import logging
import re
from pathlib import Path

import pytest

from autograder import errors
from autograder.cli import logs
from autograder.cli.main import main
from autograder.errors import AutograderError, CourseError, UsageError

PACKAGE = Path(errors.__file__).parent
APART = {"tests", "bench"}
NAMED = {"OutputLimitError", "RefusedError"}  # of code that runs in a kernel, where nothing of this package is loaded


def _declared(path: Path) -> list[ast.ClassDef]:
    return [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.ClassDef)]


def test_every_exception_is_in_the_tree_or_private_to_its_module() -> None:
    outside = {
        declared.name
        for path in PACKAGE.rglob("*.py")
        if not APART & set(path.relative_to(PACKAGE).parts) and path != Path(errors.__file__)
        for declared in _declared(path)
        if not declared.name.startswith("_")
        and any(
            base.id in ("Exception", "OSError", "ValueError") for base in declared.bases if isinstance(base, ast.Name)
        )
    }
    assert outside == NAMED


def test_the_tree_is_drawn_with_its_exit_statuses() -> None:
    tree = [found for found in vars(errors).values() if isinstance(found, type) and issubclass(found, AutograderError)]
    drawn = re.findall(r"── (\w+) .* (\d)$", str(errors.__doc__), re.MULTILINE)
    assert dict(drawn) == {found.__name__: str(found.exit_status) for found in tree if found is not AutograderError}


@pytest.mark.parametrize(("error", "status"), [(AutograderError, 1), (CourseError, 1), (UsageError, 2)])
def test_each_says_how_a_command_ends(error: type[AutograderError], status: int) -> None:
    assert error("a.ipynb: is not there; name another.").exit_status == status


def test_no_message_controls_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--course", str(tmp_path / "\x1b[2Jeve"), "check"]) == 2
    with logs.on_terminal(0):
        logging.getLogger("autograder").warning("%s: late", "\x1b]0;bob\x07")
    error = capsys.readouterr().err
    assert "\x1b" not in error
    assert "\ufffd[2Jeve: not a course folder" in error
    assert "Warning: \ufffd]0;bob\ufffd: late\n" in error
