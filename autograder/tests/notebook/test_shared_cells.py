"""Which cells of a notebook a class shares, and how far a submission goes with it."""

import copy
import json
from dataclasses import replace
from typing import Any

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.model import TestPlan
from autograder.notebook.shared_cells import Kind, Reach, SharedPart, shared_part
from autograder.tests.harness.tiny_course import locked, make_cell

PROOF = json.dumps({"live": False})


def _plan(cell: str, answers: tuple[str, ...] = (), **changed: Any) -> TestPlan:
    return replace(TestPlan(cell, 1.0, answers, (), "", "", proof=PROOF), **changed)


def _answer(name: str, source: str) -> NotebookNode:
    return make_cell(name, source, solution=True)


def _test(name: str) -> NotebookNode:
    return make_cell(name, "assert True", grade=True, locked=True, points=1)


SETUP = locked("setup", "import math\nn = 3")
Q1, Q1_TEST = _answer("q1", 'q1 = ...  # ("...", "...")'), _test("q1-test")
MODEL = locked("model", "m = math.sqrt(n)")
PLANS = (_plan("q1-test", ("n", "q1")),)


def _part(
    *cells: NotebookNode, plans: tuple[TestPlan, ...] = PLANS, helpers: dict[str, bytes] | None = None
) -> SharedPart:
    return shared_part(new_notebook(cells=list(cells)), plans, helpers or {})


def test_literal_answers_and_tests_do_not_end_the_shared_part() -> None:
    part = _part(SETUP, new_markdown_cell("text"), Q1, Q1_TEST, new_code_cell(" \n"), MODEL)
    assert [cell.kind for cell in part.cells] == [Kind.SHARED, Kind.HOLE, Kind.TEST, Kind.SHARED]
    assert [cell.number for cell in part.cells] == [1, 2, 3, 4]
    assert part.why == ""


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        (locked("x", "n = q1"), "it assigns `n`, which an earlier cell mentions"),
        (locked("x", "import math\nprint(q1)"), "it assigns `math`, which an earlier cell mentions"),
        (locked("x", "globals()['n']"), "it uses `globals`"),
        (locked("x", "import builtins\nbuiltins.eval('n')"), "it uses `eval`"),
        (locked("x", "from sys import modules"), "it uses `modules`"),
        (locked("x", "import sys\ngetattr(sys, 'modules')"), "it uses `modules`"),
        (locked("x", "import __main__"), "it uses `__main__`"),
        (locked("x", "from math import *"), "it uses `import *`"),
        (locked("x", "_ + 1"), "it uses `_`"),
        (locked("x", "_i3"), "it uses `_i3`"),
        (locked("x", "Out[3]"), "it uses `Out`"),
        (locked("x", "math.sqrt.__globals__"), "it uses `__globals__`"),
        (locked("x", "%matplotlib inline"), "it uses `IPython's own syntax`"),
        (locked("x", "await g()"), "it uses `await`"),
        (locked("x", "import gc"), "it uses `gc`"),
        (_answer("x", "n = 4"), "it assigns `n`, which an earlier cell mentions"),
        (_test("files-test"), "the test needs the kernel as it is then"),
        (_test("defines-test"), "it needs `q1`, which a student's cell assigns"),
        (_test("reveals-test"), "it uses `vars`"),
    ],
)
def test_what_ends_the_shared_part(cell: NotebookNode, why: str) -> None:
    plans = (
        *PLANS,
        _plan("files-test", files=True),
        _plan("defines-test", visible=("def f():\n    return q1",)),
        _plan("reveals-test", visible=("def f():\n    return vars()",)),
    )
    part = _part(SETUP, Q1, Q1_TEST, cell, MODEL, plans=plans)
    assert len(part.cells) == 3
    assert part.why == f"cell {cell.metadata.nbgrader.grade_id}: {why}"


@pytest.mark.parametrize(
    ("cell", "kind", "watched"),
    [
        (locked("x", "print(q1, n)"), Kind.DEPENDENT, {"print", "q1", "n"}),
        (locked("x", "def f():\n    return q1"), Kind.DEPENDENT, {"f", "q1"}),
        (locked("x", "def f(q1):\n    return 1"), Kind.SHARED, set()),
        (locked("x", "k = [q1 for q1 in (1, 2)]"), Kind.SHARED, set()),
        (_answer("x", "def f():\n    raise NotImplementedError"), Kind.HOLE, set()),
        (_test("live-test"), Kind.TEST, set()),
        (_test("read-test"), Kind.TEST, {"n", "q1", "w", "v"}),
    ],
)
def test_which_cells_run_later(cell: NotebookNode, kind: Kind, watched: set[str]) -> None:
    evidence = (("v", "q1.weights"), ("u", "v + w"))
    plans = (*PLANS, _plan("live-test", proof=""), _plan("read-test", ("n",), evidence=evidence))
    part = _part(SETUP, Q1, Q1_TEST, cell, MODEL, plans=plans)
    assert (part.cells[3].kind, part.cells[3].watched, len(part.cells)) == (kind, frozenset(watched), 5)


def test_what_functions_read_is_watched() -> None:
    functions = locked("f", "k = {}\ndef f():\n    return g() + math.pi\ng = lambda: k")
    part = _part(SETUP, functions, Q1, locked("x", "print(f(), q1)"))
    assert part.cells[3].watched == {"print", "f", "q1", "g", "k", "math"}


def test_a_test_that_sees_a_modules_state_is_not_read_later() -> None:
    plans = (_plan("q1-test", prelude="from matplotlib import pyplot as plt"),)
    notebook = new_notebook(cells=[SETUP, Q1, Q1_TEST, MODEL])
    assert shared_part(notebook, plans, {}, ["matplotlib.pyplot"]).why.endswith("needs the kernel as it is then")
    assert shared_part(notebook, plans, {}, ["seaborn"]).why == ""


def test_what_a_dependent_cell_assigns_is_not_shared() -> None:
    part = _part(SETUP, Q1, locked("x", "k = q1"), locked("y", "print(k)"), locked("z", "print(n)"))
    assert [cell.kind for cell in part.cells[2:]] == [Kind.DEPENDENT, Kind.DEPENDENT, Kind.SHARED]


@pytest.mark.parametrize("code", ["for _ in range(3):\n    pass", "a, _ = 1, 2", "x.modulesque = 1", "'a text'"])
def test_what_does_not_end_it(code: str) -> None:
    assert _part(SETUP, Q1, Q1_TEST, locked("x", code)).why == ""


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import sys\nsys._getframe(1)", "lab.py uses `_getframe`"),
        ("from IPython import get_ipython\nget_ipython().user_ns['x'] = 1", "lab.py uses `user_ns`"),
        ("import __main__", "lab.py uses `__main__`"),
        ("import inspect\ninspect.stack()", "lab.py uses `_getframe`"),
        ("import inspect\ninspect.signature(print)", ""),
        ("from IPython import get_ipython\nget_ipython().events.register('post_run_cell', print)", ""),
        ("globals()['x'] = 1\nfrom math import *\nimport sys\nsys.modules.get('IPython')", ""),
        ("syntax error", "lab.py uses `IPython's own syntax`"),
    ],
)
def test_a_module_of_the_course_must_not_look_at_the_notebook(code: str, why: str) -> None:
    part = _part(SETUP, MODEL, helpers={"lab.py": code.encode(), "data.csv": b"sys._getframe"})
    assert (part.why, len(part.cells)) == (why, 0 if why else 2)


def test_an_unmarked_cell_is_the_students_where_it_asks_for_something() -> None:
    part = _part(SETUP, new_code_cell("guess = ..."), new_code_cell("k = 4"), new_code_cell("hint('q1', 0)"))
    assert [cell.kind for cell in part.cells] == [Kind.SHARED, Kind.HOLE, Kind.SHARED, Kind.SHARED]


# --- submissions ------------------------------------------------------------------------------------------------------

SOURCE = new_notebook(
    cells=[
        SETUP,
        Q1,
        Q1_TEST,
        new_code_cell("hint('q1', 0)", id="hint"),
        MODEL,
        _answer("q2", "def f():\n    return 1"),
    ]
)
WHOLE = 6


def _length(*changes: tuple[str, str], extra: tuple[int, str] | None = None) -> int:
    return _reach(*changes, extra=extra).length


def _reach(
    *changes: tuple[str, str], extra: tuple[int, str] | None = None, helpers: dict[str, bytes] | None = None
) -> Reach:
    part = shared_part(SOURCE, PLANS, helpers or {})
    assert len(part.cells) == WHOLE
    notebook = copy.deepcopy(SOURCE)
    notebook.cells[-1].source = "f = 1"
    for name, source in changes:
        cell = next(
            cell for cell in notebook.cells if name in (cell.id, cell.metadata.get("nbgrader", {}).get("grade_id"))
        )
        cell.source = source
    if extra:
        notebook.cells.insert(extra[0], new_code_cell(extra[1]))
    return part.reach(notebook)


@pytest.mark.parametrize(
    ("source", "length"),
    [
        ("q1 = ('batch', 'units')", WHOLE),
        ("q1 = 3\nother = 'mine'", WHOLE),
        ("q1 = tuple(['batch'])", WHOLE),
        ("q1 = n", WHOLE),
        ("q1 = math.pi", 1),
        ("q1 = n + m\nm = 4", 4),
        ("", 1),
        ("q1 = 3\nprint(q1)", 1),
        ("q1 = 3\nn = 4", 1),  # an earlier cell sets it
        ("q1 = 3\nm = 4", 4),  # a later cell sets it
        ("q1 = 3\nhint = 4", 3),  # a later cell needs it
        ("q1 = 3\nlen = 4", 1),
        ("q1 = 3\n_ = 4", 1),
        ("q1 = 3\nIn = 4", 0),
    ],
)
def test_a_submission_shares_the_cells_that_its_answer_cannot_influence(source: str, length: int) -> None:
    assert _length(("q1", source)) == length


def test_what_an_answer_reads_is_listed_by_its_place() -> None:
    assert _reach(("q1", "q1 = 3")) == Reach(WHOLE)
    assert _reach(("q1", "k = n\nq1 = (k, len(m))")) == Reach(WHOLE, {1: frozenset({"n", "m"})})


@pytest.mark.parametrize(
    ("helper", "length"),
    [
        (b"def f(tuple):\n    return tuple.len", WHOLE),
        (b"def f():\n    tuple = 3", 1),
        (b"for tuple in (): pass", 1),
        (b"from lab import tuple", 1),
        (b"import builtins", 1),
    ],
)
def test_no_function_is_called_later_that_may_have_another_meaning_then(helper: bytes, length: int) -> None:
    assert _reach(("q1", "q1 = tuple([n])"), helpers={"mine.py": helper}).length == length
    assert _reach(("q1", "q1 = [n]"), helpers={"mine.py": helper}).length == WHOLE


def test_it_shares_nothing_from_the_first_other_cell_on() -> None:
    assert _length(("hint", "hint('q1', 1)")) == 3
    assert _length(extra=(0, "x = 1")) == 0
    assert _length(extra=(3, "x = 1")) == 3
    assert _length(extra=(3, "  ")) == WHOLE
    assert _length(extra=(6, "print('later')")) == WHOLE
    assert _length(("q2", "q2 = f()")) == 5


def test_the_courses_own_cells_may_look_behind_that_later() -> None:
    notebook = copy.deepcopy(SOURCE)
    notebook.cells[-1:] = [locked("later", "print(vars())")]
    part = shared_part(notebook, PLANS, {})
    assert part.reach(notebook).length == len(part.cells) == 5


@pytest.mark.parametrize(
    "code", ["globals()", "%matplotlib inline", "!ls", "Out[1]", "get_ipython()", "import inspect", "x = (", "print(_)"]
)
def test_it_shares_nothing_if_it_can_look_behind_that(code: str) -> None:
    assert _length(("q2", code)) == 0
    assert _length(extra=(6, code)) == 0
