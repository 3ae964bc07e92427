"""Which values of locked cells are the course's own, as far as the code shows."""

import ast
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given as generated
from hypothesis import settings, strategies
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.utils import is_locked

from autograder.judging import course_files
from autograder.judging.givens import candidates
from autograder.judging.test_plan import plans
from autograder.notebook.source import parse
from autograder.tests.harness.tiny_course import locked
from autograder.tests.harness.tiny_course import make_question as question

IMPORTS = new_code_cell("import math, random\nimport numpy as np\nimport pandas as pd")
RNG = locked("rng", "rng = np.random.default_rng(0)")
DATA = locked("data", "rng = np.random.default_rng(0)\ndata = rng.normal(size=10)")
COURSE = ""


def answer(source: str, name: str = "q") -> NotebookNode:
    return question(name, source, "assert True")[0]


def asks(test: str = "assert m == data.mean()") -> NotebookNode:
    return question("t", "", test)[1]


def why(*cells: NotebookNode, helpers: Mapping[str, bytes] | None = None, edited: tuple[str, ...] = ()) -> str | None:
    """Return why the only candidate is not the course's; None if there is no candidate."""
    notebook = new_notebook(cells=[IMPORTS, *cells])
    found = candidates(notebook, plans(notebook, edited), helpers or {}, edited)
    assert len(found) < 2
    return found[0].why if found else None


SOUND = {
    "a draw from a seeded generator": [DATA],
    "a table that is read": [locked("data", "data = pd.read_csv('data.csv')\ndata.head()")],
    "what is made of it": [DATA, locked("more", "data = data[:5]")],
    "a loop": [locked("data", "data = []\nfor i in range(3):\n    data.append(i)")],
    "sizes from another cell": [locked("n", "n, m2 = 3, (4, 5)"), locked("data", "data = np.ones((n, *m2))")],
    "a locked function": [locked("f", "K = 2\ndef make(n):\n    return [K] * n"), locked("data", "data = make(3)")],
    "a locked class": [locked("C", "class Box:\n    n = 3"), locked("data", "data = [Box().n]")],
    "an answer that mentions numbers": [
        locked("n", "n = len('abc')\nname = f'{n}'"),
        answer("m = n + len(name)"),
        locked("data", "data = np.ones(n) if name else []"),
    ],
    "an answer that calls a function of numbers": [
        locked("f", "k = -1\ndef make(n=3):\n    return np.ones(n) * k"),
        answer("m = make(2)"),
        locked("data", "data = make()"),
    ],
    "an answer that imports the same": [answer("import numpy as np\nm = 1"), locked("data", "data = np.ones(3)")],
    "an answer that uses the module": [answer("m = np.random.rand()"), locked("data", "data = np.ones(3)")],
    "an answer after it": [DATA, answer("m = rng.normal() + np.sort(data)[0]\nrng = None")],
    "names of an answer's own function": [
        RNG,
        answer("def f(rng):\n    return rng.normal()"),
        locked("data", "data = rng.normal(size=3)"),
    ],
    "a number of a student beside it": [
        new_code_cell("guess = ...  # a number"),
        locked("f", "def compare(a, b):\n    print(a, b)"),
        locked("data", "data = np.ones(3)\ncompare(guess, data)"),
    ],
    "a picture": [locked("data", "%matplotlib inline\ndata = np.ones(3)")],
    "a name from everywhere": [locked("star", "from math import *"), locked("data", "data = [sin(1)]")],
    "a name like a clock's": [locked("data", "time = np.linspace(0, 1, 5)\ndata = np.sin(time)")],
    "an ordered set": [locked("data", "data = [x for x in range(9) if x in {1, 2}]")],
}
REFUSED = {
    "it is not locked": ([new_code_cell("data = np.ones(3)")], "the cell that sets it is not locked"),
    "an answer sets what it reads": (
        [answer("n = 3"), locked("data", "data = np.ones(n)")],
        "an answer sets `n`",
    ),
    "a function of an answer sets it": (
        [locked("n", "n = 3"), answer("def f():\n    global n\n    n = 4"), locked("data", "data = np.ones(n)")],
        "an answer sets `n`",
    ),
    "an answer deletes it": (
        [RNG, answer("del rng"), locked("data", "data = rng.normal(size=3)")],
        "an answer sets `rng`",
    ),
    "an answer imports another": (
        [answer("import jax as np"), locked("data", "data = np.ones(3)")],
        "an answer sets `np`",
    ),
    "an answer adds to it": (
        [locked("xs", "xs = [1, 2]"), answer("xs += [3]"), locked("data", "data = sum(xs)")],
        "an answer sets `xs`",
    ),
    "an answer patches a module": (
        [answer("np.ones = np.zeros"), locked("data", "data = np.ones(3)")],
        "an answer can change `np`",
    ),
    "another way to a locked value": (
        [RNG, locked("gen", "gen = [rng]"), answer("m = gen[0].normal()"), locked("data", "data = rng.normal(size=3)")],
        "an answer can change `gen`",
    ),
    "a function that draws": (
        [RNG, locked("f", "def draw():\n    return rng.normal()"), answer("m = draw()")]
        + [locked("data", "data = rng.normal(size=3)")],
        "an answer can change `draw`",
    ),
    "a function that counts": (
        [locked("f", "def tick(seen=[]):\n    seen.append(1)\n    return len(seen)"), answer("m = tick()")]
        + [locked("data", "data = [tick()]")],
        "an answer can change `tick`",
    ),
    "a class": (
        [locked("C", "class Box:\n    made = []"), answer("m = Box()"), locked("data", "data = list(Box.made)")],
        "an answer can change `Box`",
    ),
    "a free cell mentions it": (
        [RNG, new_code_cell("rng.normal()"), locked("data", "data = rng.normal(size=3)")],
        "a cell that is not locked can change `rng`",
    ),
    "a free cell sets it": (
        [new_code_cell("n = 3"), locked("data", "data = np.ones(n)")],
        "a cell that is not locked sets `n`",
    ),
    "nothing sets it": ([locked("data", "data = np.ones(nowhere)")], "no locked cell sets `nowhere`"),
    "the cell calls an answer": (
        [answer("def f(x):\n    return x"), locked("data", "data = np.ones(3)\nf(data)")],
        "an answer sets `f`",
    ),
    "the cell reads a number of a student": (
        [new_code_cell("n = ..."), locked("data", "data = np.ones(n or 1)")],
        "a cell that is not locked sets `n`",
    ),
    "the cell passes a list of a student": (
        [answer("xs = [1]"), locked("data", "data = np.ones(3)\nnp.copyto(data, xs)")],
        "an answer sets `xs`",
    ),
}
CHANGES = {
    "call": "m = rng.normal()",
    "argument": "m = np.sum(rng)",
    "method": "rng.shuffle([1])",
    "item": "rng[0] = 1",
    "attribute": "rng.x = 1",
    "alias": "other = rng",
    "inside": "def f():\n    return rng.normal()",
    "lambda": "f = lambda: rng",
    "comprehension": "m = [rng.normal() for _ in range(3)]",
    "default": "def f(r=rng):\n    pass",
    "shell": "m = 1 if rng else 2",
}
MACHINE = {
    "data = [datetime.now()]": "now",
    "data = [pd.Timestamp('today')]": "today",
    "data = [time.time()]": "time.time",
    "from time import time\ndata = [time()]": "time.time",
    "from uuid import uuid4 as new\ndata = [new()]": "uuid4",
    "data = os.environ.get('HOME')": "environ",
    "data = [os.getpid()]": "getpid",
    "data = [id(np)]": "id",
    "data = [hash('a')]": "hash",
    "data = list(set('abc'))": "set",
    "data = list({y for y in 'abc'})": "set",
    "data = [socket.gethostname()]": "gethostname",
    "data = !hostname": "getoutput",
    "data = %timeit -o 1": "%timeit",
    "def make():\n    return time.perf_counter()\ndata = [make()]": "perf_counter",
}


@pytest.mark.parametrize("case", SOUND)
def test_what_no_answer_reaches_may_be_the_courses(case: str) -> None:
    assert why(*SOUND[case], asks()) == COURSE


@pytest.mark.parametrize("case", REFUSED)
def test_what_an_answer_reaches_is_the_students(case: str) -> None:
    cells, reason = REFUSED[case]
    assert why(*cells, asks()) == reason


@pytest.mark.parametrize("case", CHANGES)
def test_what_an_answer_mentions_can_be_changed(case: str) -> None:
    more = locked("data", "data = rng.normal(size=3)")
    assert why(RNG, answer(CHANGES[case]), more, asks()) == "an answer can change `rng`"
    assert why(RNG, more, answer(CHANGES[case]), asks()) == COURSE


def test_what_nbgrader_sets_is_the_same_in_every_run() -> None:
    asked = locked("data", "import os\ndata = [os.environ.get('NBGRADER_EXECUTION', '')]")
    assert why(asked, asks()) == COURSE


@pytest.mark.parametrize("source", MACHINE)
def test_what_differs_from_run_to_run_is_the_students(source: str) -> None:
    imports = locked("i", "import os, socket, time\nfrom datetime import datetime")
    said = f"`{MACHINE[source]}` differs from run to run, or from machine to machine"
    assert why(imports, locked("data", source), asks()) == said


@pytest.mark.parametrize(
    "cells",
    [
        [answer("data = np.ones(3)"), asks()],
        [DATA, answer("data = data - 1"), asks()],
        [locked("data", "def data():\n    pass"), asks("assert data()")],
        [locked("data", "import json as data"), asks("assert data.x")],
        [locked("data", "data = [1, 2]"), asks("assert data")],
        [asks("data = np.ones(3)\nassert data")],
        [locked("data", "data = [1, 2, 3]"), answer("m = 1"), asks("assert m")],
    ],
)
def test_these_are_no_candidates(cells: list[NotebookNode]) -> None:
    assert why(*cells) is None


HELPER = b"import math\nTABLE = (1, 2)\ndef make(n):\n    return [TABLE[0]] * n\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (HELPER, COURSE),
        (b"import time\nstart = time.time()\n", "`time.time` in helper.py differs from run to run, or from machine"),
        (b"import inner\n", "`uuid4` in inner.py differs from run to run, or from machine"),
        (b"from inner import new\n", "`uuid4` in inner.py differs from run to run, or from machine"),
        (HELPER + b"def broken(:\n", COURSE),
    ],
)
def test_code_beside_the_notebook_is_read_too(content: bytes, said: str) -> None:
    files = {"helper.py": content, "inner.py": b"from uuid import uuid4 as new\n", "data.csv": b"now"}
    cells = [locked("i", "import helper"), locked("data", "data = helper.make(3)"), asks()]
    assert why(*cells, helpers=files) == said + " to machine" * bool(said)


@pytest.mark.parametrize(
    "state", [b"kept = []\n", b"kept = dict()\n", b"n = 0\ndef make(k):\n    global n\n    n += 1\n"]
)
def test_a_helper_that_keeps_something_can_be_changed(state: bytes) -> None:
    use = [locked("i", "import helper"), answer("m = helper.make(1)"), locked("data", "data = helper.make(3)"), asks()]
    said = "an answer can change what `helper` keeps"
    assert why(*use, helpers={"helper.py": HELPER}) == COURSE
    assert why(*use, helpers={"helper.py": HELPER + state}) == said
    assert why(use[0], use[2], use[1], use[3], helpers={"helper.py": HELPER + state}) == COURSE


@pytest.mark.parametrize("through", [b"import mine", b"from mine import x", b"def f():\n    import mine"])
def test_a_file_that_students_edit_is_theirs(through: bytes) -> None:
    cells = [locked("i", "import helper"), locked("data", "data = helper.make(3)"), asks()]
    files = {"helper.py": HELPER + through}
    said = "`helper` comes from a file that students edit"
    assert why(*cells, helpers=files, edited=("mine.py",)) == said
    assert why(*cells, helpers={"helper.py": HELPER}, edited=("mine.py",)) == COURSE


def test_each_test_has_its_own_candidates() -> None:
    cells = [IMPORTS, DATA, *question("a", "m = 1", "assert m == data[0]")]
    cells += [locked("other", "data = rng.normal(size=3)"), *question("b", "k = 1", "assert k == data[0]")]
    found = candidates(new_notebook(cells=cells), plans(new_notebook(cells=cells)), {})
    assert [(one.test, one.name, one.cell, one.why) for one in found] == [
        ("a-test", "data", "data", ""),
        ("b-test", "data", "other", ""),
    ]


@pytest.mark.parametrize("change", ["for i in range(3):\n    xs.append(i)", "if True:\n    del xs[:]"])
def test_a_list_that_locked_cells_change_is_no_constant(change: str) -> None:
    notebook = new_notebook(
        cells=[locked("xs", "xs = [0]"), locked("fill", change), *question("a", "m = 3", "assert m == len(xs)")]
    )
    (plan,) = plans(notebook)
    assert (plan.answers, plan.prelude) == (("m", "xs"), "")
    assert [(one.name, one.cell, one.why) for one in candidates(notebook, (plan,), {})] == [("xs", "fill", COURSE)]


def test_a_helper_is_read_once_for_all_names(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def parsed(source: str) -> ast.Module:
        read.append(source)
        return parse(source)

    monkeypatch.setattr(course_files, "parse", parsed)
    files = {f"pack/m{i}.py": f"from pack import m{i + 1}\nK{i} = {i}".encode() for i in range(20)}
    cells = [locked("setup", "import pack.m0 as m"), *(locked(f"v{i}", f"v{i} = m.f({i})") for i in range(5))]
    cells.append(asks(f"assert m == ({', '.join(f'v{i}' for i in range(5))})"))
    notebook = new_notebook(cells=cells)
    assert {one.why for one in candidates(notebook, plans(notebook), files)} == {COURSE}
    assert len(read) == len(files)


NAMES = strategies.sampled_from("abc")
OWNERS: Mapping[str, Callable[[str, str], NotebookNode]] = {
    "locked": locked,
    "answer": lambda name, source: answer(source, name),
    "free": lambda name, source: new_code_cell(source),
}


@settings(deadline=None)
@generated(strategies.lists(strategies.tuples(strategies.sampled_from(sorted(OWNERS)), NAMES, NAMES), max_size=8))
def test_a_value_of_the_course_never_depends_on_what_students_write(steps: list[tuple[str, str, str]]) -> None:
    cells = [locked("first", "a, b, c = [], [], []")]
    for number, (owner, target, read) in enumerate(steps):
        source = f"{target} = [*{read}, {number}]; {read}.append({number}); d = [{target}]; d[0].append({number})"
        cells.append(OWNERS[owner](f"c{number}", source))
    cells.append(asks("assert (a, b, c)"))
    notebook, ends = new_notebook(cells=cells), [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in cells]
    for one in candidates(notebook, plans(notebook), {}):
        before = cells[: ends.index(one.cell) + 1] if not one.why else []
        everything: dict[str, object] = {}
        alone: dict[str, object] = {}
        for cell in before:
            exec(cell.source, everything)
            if is_locked(cell):
                exec(cell.source, alone)
        assert everything.get(one.name) == alone.get(one.name)
