"""`autograder check`: what it says of every kind of test, and that it changes nothing."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from autograder.cli.check import HEADINGS
from autograder.cli.main import main
from autograder.judging.proof import Kind
from autograder.tests.harness.tiny_course import make_notebooks as course
from autograder.tests.harness.tiny_course import make_question as question

POINT = """class V:
    def __init__(self, x):
        self.x = x
    def __eq__(self, other):
        return self.x == other.x"""

MIXED = [
    *question("f", "def f(n):\n    return [1, 2][:n]", "for x in f(2):\n    assert x > 0"),
    *question("g", "def g(n):\n    return 2 * n", "assert g(2) == 4\nassert g(3) == 6"),
    *question("v", POINT, "assert V(2).x == 2\nassert V(1) == V(1)"),
    *question("s", "s = 1", "assert s == 1\n!ls"),
    *question("e", "def e():\n    return '1 + 1'", "\nassert eval(e()) == 2"),
    *question("w", "w = 1", "assert w == 2"),
    *question("n", "n = 1", "# later"),
    new_code_cell("base = max(1, 2)"),
    *question("d", "d = base", "assert d == base"),
    *question("k", "k = base", "assert k == base"),
]

REPORT = """\
proving the tests of good
proving the tests of mixed
ps1/good.ipynb: a-test works as it is
ps1/mixed.ipynb: f-test, g-test, v-test, d-test, k-test work as they are

These source notebooks have faults. Their tests are not counted:
* source/ps1/old.ipynb: cell b, line 1: `BEGIN SOLUTION` has no `END SOLUTION`
  after it; write `END SOLUTION`.

These tests are wrong. `autograder release` refuses them:
* ps1/mixed.ipynb: cell w-test gives the solution 0 of 2 points (`assert w == 2`
  failed: w is 1); fix the test or the solution.
* ps1/mixed.ipynb: cell n-test: the test has no statement, so nobody can pass
  it; add an assert.

These tests stay open. Nobody gets a mark from them; you mark the answers:
* ps1/mixed.ipynb: cell s-test, line 2: `!ls` runs a shell command, which a test
  cannot do; write it in Python, or run it in a locked cell before the test.
* ps1/mixed.ipynb: cell e-test, line 2: the test passes a text of the notebook
  to eval; compare the text itself, or ask for a value or a function.

Here an object of the student decides:
* ps1/mixed.ipynb: cell v-test, line 2: an object of the student decides this
  assertion; compare data, such as `v.x == 4`.

These tests also pass for an empty answer:
* ps1/mixed.ipynb: cell f-test: the test also passes if `f` returns [] or '';
  compare the answer with a value.

These values come from the student's notebook, though your cells set them:
* ps1/mixed.ipynb: cell d-test reads `base` from the student's notebook, because
  the cell that sets it is not locked; so does k-test.

ps1: 6 of 10 tests work as they are
"""


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.kernel
def test_everything_is_reported_and_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = course(
        tmp_path,
        good=question("a", "a = 1", "assert a == 1"),
        mixed=MIXED,
        old=question("b", "b = 1", "assert b == 1"),
    )
    path = tmp_path / "source" / "ps1" / "old.ipynb"
    path.write_text(path.read_text().replace("### END SOLUTION", "# end"))
    before = _contents(tmp_path)
    assert main(["--course", str(made.root), "check"]) == 1
    shown = capsys.readouterr().out
    assert shown == REPORT
    assert max(map(len, shown.splitlines())) <= 80
    assert _contents(tmp_path) == before


@pytest.mark.kernel
def test_a_course_whose_tests_all_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = course(tmp_path, book=question("a", "a = 1", "assert a == 1"))
    for name in ("ps2", "ps3"):
        (tmp_path / "source" / name).mkdir()
        cells = question(name, f"{name} = 1", f"assert {name} == 1")
        nbformat.write(new_notebook(cells=cells), tmp_path / "source" / name / "book.ipynb")
    config = tmp_path / "nbgrader_config.py"
    config.write_text(f'{config.read_text()}c.Course.ungraded = ["ps2"]\n')
    assert main(["--course", str(made.root), "check"]) == 0
    assert capsys.readouterr().out == (
        "proving the tests of book\n"
        "ps1/book.ipynb: a-test works as it is\n\nps1: 1 of 1 tests work as they are\n"
        "ps2: not graded, so its tests are not checked\n"
        "proving the tests of book\n"
        "ps3/book.ipynb: ps3-test works as it is\n\nps3: 1 of 1 tests work as they are\n"
        "all: 2 of 2 tests work as they are\n"
    )
    assert main(["--course", str(made.root), "check", "ps2"]) == 0
    assert capsys.readouterr().out == "ps2: not graded, so its tests are not checked\n"


def test_an_assignment_that_cannot_be_read_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = course(tmp_path, book=question("a", "a = 1", "assert a == 1"))
    config = tmp_path / "nbgrader_config.py"
    config.write_text(f'{config.read_text()}c.Autograde.exclude_overwriting = {{"ps1": 3}}\n')
    assert main(["--course", str(made.root), "check"]) == 1
    assert capsys.readouterr().out == (
        "\nThese source notebooks have faults. Their tests are not counted:\n"
        "* nbgrader_config.py: c.Autograde.exclude_overwriting is not a dict of lists;\n"
        '  write it like {"ps1": ["helper.py"]}.\n'
        "\nps1: 0 of 0 tests work as they are\n"
    )


def test_every_kind_of_remark_has_a_heading() -> None:
    assert set(HEADINGS) == set(Kind)
