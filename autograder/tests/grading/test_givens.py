"""What locked cells compute is the course's own, whatever a student makes of it, unless an answer has a part in it."""

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from autograder.course.course import Course
from autograder.course.limits import Limits
from autograder.errors import KernelError
from autograder.gradebook.source_assignment import SourceAssignment
from autograder.grading import givens
from autograder.grading.notebook_grader import find_givens, notebook_graders
from autograder.grading.pipeline import grade_submission
from autograder.grading.proving import Proofs, proved
from autograder.judging.proof import Kind
from autograder.model import Assignment, Submission, Verdict
from autograder.notebook.personalize import Personalization, Values
from autograder.tests.harness.tiny_course import locked
from autograder.tests.harness.tiny_course import make_notebooks as course
from autograder.tests.harness.tiny_course import make_question as question

pytestmark = [pytest.mark.kernel, pytest.mark.xdist_group("givens")]
IMPORTS = new_code_cell("import numpy as np\nimport pandas as pd")

BOOK = [
    IMPORTS,
    locked("data", "rng = np.random.default_rng(0)\ndata = rng.normal(size=10)"),
    *question("mean", "m = data.mean()", "assert m == data.mean()"),
    *question("func", "def double(x):\n    return 2 * x", "assert (double(data) == data + data).all()"),
    locked("frame", "df = pd.read_csv('table.csv')\ndf.head()"),
    *question("sum", "total = df.a.sum()", "assert total == df['a'].sum()"),
    *question("row", "def first(t):\n    return t.a[0]", "assert first(df) == df.a[0]"),
    locked("clock", "from datetime import datetime\nyear = datetime.now().year"),
    *question("year", "y = year", "assert y == year"),
    locked("draw", "extra = rng.normal(size=3)"),
    *question("extra", "e = sum(extra)", "assert e == sum(extra)"),
    locked("noise", "noise = np.random.rand(3)"),
    *question("noise-q", "n = noise[0]", "assert n == noise[0]"),
    *question("roll", "roll = rng.integers(6)", "assert 0 <= roll < 6"),
    locked("late", "late = rng.normal(size=3)"),
    *question("late-q", "l = late[0]", "assert l == late[0]"),
    locked("object", "half = np.poly1d([0.5, 0])"),
    *question("object-q", "h = half(1)", "assert h == half(1)"),
    locked("sorts", "scores = [int(x) for x in '3142']"),
    *question("sorts-q", "scores.sort()", "assert scores == sorted(scores)\nassert scores[0] == 1"),
    locked("same", "items = [int(x) for x in '3142']"),
    *question("same-q", "def get():\n    return items", "assert get() is items"),
    new_code_cell("loose = [int(x) for x in '12']"),
    *question("loose-q", "k = loose[0]", "assert k == loose[0]"),
]
TABLE = "a,b\n1,x\n3,y\n"


class Made:
    """A proved course, and what becomes of submissions to it."""

    def __init__(self, course: Course, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            (course.folder("source", "ps1") / name).write_text(text)
        self.source = SourceAssignment.load(course, "ps1")
        self.proofs: Proofs = proved(self.source)
        self.assignment: Assignment = self.proofs.attached(self.source.packed())

    def verdicts(self, answers: Mapping[str, str], student: str = "ada") -> dict[str, Verdict]:
        """Return the verdicts on the solution with some cells replaced."""
        ((name, content),) = self.source.contents.items()
        notebook = nbformat.reads(content.decode(), 4)
        for cell in notebook.cells:
            cell.source = answers.get(cell.metadata.get("nbgrader", {}).get("grade_id"), cell.source)
        submission = Submission(student, {f"{name}.ipynb": nbformat.writes(notebook).encode()})
        (result,) = grade_submission(submission, self.assignment, self.source.course.limits).notebooks
        return {verdict.cell: verdict for verdict in result.verdicts}

    def failed(self, answers: Mapping[str, str], student: str = "ada") -> list[str]:
        """Return the tests that such a submission does not pass."""
        return [cell for cell, one in self.verdicts(answers, student).items() if one.outcome != "passed"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(course(tmp_path_factory.mktemp("givens"), book=BOOK), {"table.csv": TABLE})


def test_the_solution_passes_and_the_proofs_keep_names_but_no_values(made: Made) -> None:
    assert made.proofs.faults == []
    assert made.failed({}) == []
    names = {cell: json.loads(proof).get("givens") for (_, cell), proof in made.proofs.proofs.items()}
    assert {cell: one for cell, one in names.items() if one} == {
        "mean-test": {"data": "data"},
        "func-test": {"data": "data"},
        "sum-test": {"df": "frame"},
        "row-test": {"df": "frame"},
        "extra-test": {"extra": "draw"},
    }


def test_what_comes_from_the_student_is_named_with_its_reason(made: Made) -> None:
    reads = "ps1/book.ipynb: cell {} reads `{}` from the student's notebook, because {}."
    assert made.proofs.sentences(Kind.STUDENTS) == [
        reads.format(*parts)
        for parts in [
            ("year-test", "year", "`now` differs from run to run, or from machine to machine"),
            ("noise-q-test", "noise", "it differs each time it is computed"),
            ("late-q-test", "late", "an answer can change `rng`"),
            ("object-q-test", "half", "it is no plain data, or cannot be computed without the answers"),
            ("sorts-q-test", "scores", "it changes after its cell"),
            (
                "same-q-test",
                "items",
                "the solution does not pass the test with the value that the locked cell computes",
            ),
            ("loose-q-test", "loose", "the cell that sets it is not locked"),
        ]
    ]


ATTACKS = {
    "zeros for the data": ({"mean": "data = np.zeros(3)\nm = 0.0"}, ["mean-test"]),
    "zeros in the data": ({"mean": "data[:] = 0\nm = 0.0"}, ["mean-test"]),
    "an object for the data": (
        {"mean": "class E:\n    mean = lambda s: s\n    __eq__ = lambda s, o: True\ndata = E()\nm = data"},
        ["mean-test"],
    ),
    "no data": ({"mean": "m = data.mean()\ndel data", "func": "double = lambda x: 2 * x"}, []),
    "a function of its own data": ({"func": "def double(x):\n    return 2 * data\ndata = np.zeros(10)"}, ["func-test"]),
    "a function that empties the data": ({"func": "def double(x):\n    x[:] = 0\n    return x"}, ["func-test"]),
    "another table": ({"sum": "df = pd.DataFrame({'a': [0]})\ntotal = 0"}, ["sum-test"]),
    "a zero in the table": ({"sum": "df['a'] = 0\ntotal = 0"}, ["sum-test"]),
    "a file in place of the course's": (
        {"mean": "open('table.csv', 'w').write('a\\n0\\n')\nm = data.mean()", "sum": "total = 0"},
        ["sum-test"],
    ),
    "a library that reads another table": (
        {"mean": "pd.read_csv = lambda f: pd.DataFrame({'a': [0]})\nm = data.mean()", "sum": "total = 0"},
        ["sum-test"],
    ),
    "a generator that draws zeros": (
        {"mean": "m = data.mean()\nclass R:\n    normal = lambda s, size: np.zeros(size)\n"
         "    integers = lambda s, n: 1\nrng = R()", "extra": "e = 0"},
        ["extra-test"],
    ),
    "honest, in another way": ({"mean": "m = sum(data.tolist()) / 10\nm = np.mean(data)", "sum": "total = 4"}, []),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_who_changes_the_courses_values_changes_only_the_own_result(made: Made, attack: str) -> None:
    answers, failed = ATTACKS[attack]
    assert made.failed(answers) == failed


@pytest.mark.parametrize("taken", ["late-q", "loose-q"])
def test_what_is_named_as_the_students_is_the_students(made: Made, taken: str) -> None:
    answers = {"late-q": "late = [0]\nl = 0", "loose-q": "loose = [0]\nk = 0"}
    assert made.failed({taken: answers[taken]}) == []


def test_values_are_computed_once_for_a_class(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    made.failed({})
    monkeypatch.setattr(givens, "run", _never)
    assert made.failed({}) == []
    assert made.failed({"mean": "m = 0"}, student="bob") == ["mean-test"]


def _never(*_: object) -> None:
    raise AssertionError("nothing needs to run")


def test_nothing_runs_where_no_locked_cell_computes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(givens, "run", _never)
    cells = [IMPORTS, locked("n", "n = 3"), *question("q", "q = n", "assert q == n"), new_code_cell("x = len('a')")]
    cells += question("p", "p = q", "assert p == q")
    simple = Made(course(tmp_path, book=cells), {})
    assert simple.failed({"p": "p = 4"}) == ["p-test"]
    assert simple.proofs.remarks == ()


SMALL = [IMPORTS, locked("data", "data = np.arange(4)"), *question("q", "q = data.sum()", "assert q == data.sum()")]


def _forget() -> None:
    """Forget all values, as a new process has none."""
    givens._known.cache_clear()
    notebook_graders.cache_clear()


def test_a_value_that_is_not_the_same_on_this_machine_judges_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = Made(course(tmp_path, book=[*SMALL, *question("p", "p = 1", "assert p == 1")]), {})
    _forget()
    values = iter("12")
    monkeypatch.setattr(givens, "_run", lambda *_: {("data", "data"): next(values)})
    verdict = small.verdicts({})["q-test"]
    assert (verdict.outcome, verdict.points) == ("open", None)
    assert verdict.rationale == (
        "the test cannot be judged: `data`, which cell data computes, was not the same in two runs without the answers;"
        " grade again."
    )
    assert small.verdicts({})["p-test"].outcome == "passed"
    _forget()
    monkeypatch.undo()
    assert small.failed({}) == []


ANY = question("a", "a = 1", "assert a")
SEED, DRAW = locked("seed", "np.random.seed(1)"), locked("data", "data = np.random.rand(3)")
OTHER = locked("seed", "import random\nrandom.seed(1)"), locked("data", "data = np.array([random.random()])")
SEEDS: Mapping[str, tuple[list[NotebookNode], bool]] = {
    "nothing in between": ([SEED, DRAW], True),
    "an answer in between": ([SEED, *ANY, DRAW], False),
    "a free cell in between": ([OTHER[0], new_code_cell("1"), OTHER[1]], False),
    "a seed in a free cell": ([new_code_cell("np.random.seed(1)"), DRAW], False),
    "a seed in the same cell": ([*ANY, locked("data", f"{SEED.source}\n{DRAW.source}")], True),
}


@pytest.mark.parametrize("case", SEEDS)
def test_seeds_count_where_nobody_draws_in_between(tmp_path: Path, case: str) -> None:
    cells, is_given = SEEDS[case]
    asks = question("q", "q = data.sum()", "assert q == data.sum()")
    seeded = Made(course(tmp_path, book=[IMPORTS, *cells, *asks]), {})
    differs = "q-test reads `data` from the student's notebook, because it differs each time it is computed."
    assert seeded.proofs.sentences(Kind.STUDENTS) == [f"ps1/book.ipynb: cell {differs}"] * (not is_given)
    assert seeded.failed({"q": "data = np.zeros(1)\nq = 0"}) == ["q-test"] * is_given


def _no_kernel(*_: object) -> None:
    raise KernelError("no kernel could be started (OSError: none left).")


def test_without_a_kernel_for_the_values_there_is_no_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = Made(course(tmp_path, book=SMALL), {})
    _forget()
    monkeypatch.setattr(givens, "run", _no_kernel)
    (verdict,) = small.verdicts({}).values()
    assert (verdict.outcome, verdict.points) == ("grader error", None)
    assert verdict.rationale == "no kernel could be started (OSError: none left)."


class Numbers(Personalization):
    """Give each student a number: the length of the name."""

    def values_for(self, notebook: NotebookNode, helpers: Mapping[str, bytes], student: str) -> Values | None:
        return {"n": len(student)}

    def with_values(self, prelude: str, values: Values) -> str:
        return prelude.replace("n = 3", f"n = {values['n']}")


def test_each_student_has_the_values_of_the_own_numbers(tmp_path: Path) -> None:
    cells = [IMPORTS, locked("n", "n = 3"), locked("data", "data = np.arange(n) + 1")]
    cells += question("q", "q = data.sum()", "assert q == data.sum()")
    made = course(tmp_path, book=cells)
    with (tmp_path / "nbgrader_config.py").open("a") as config:
        config.write(f"c.Personalization.cls = '{__name__}.Numbers'\n")
    own = Made(Course.at(made.root), {})
    assert own.failed({}, "ada") == []
    for student, total in (("ada", 6), ("grace", 15), ("alan", 10)):
        assert own.failed({"q": f"q = {total}"}, student) == []
        assert own.failed({"q": "q = 28"}, student) == ["q-test"]


LOCKED = """
class Node:
    def __init__(self, value, next=None):
        self.value, self.next = value, next

    def __eq__(self, other):
        return isinstance(other, Node) and self.value == other.value

def size(node):
    count = 0
    while node is not None:
        count, node = count + 1, node.next
    return count
"""
CLASSES = [
    locked("classes", LOCKED.strip()),
    *question("chain", "chain = Node(1, Node(2))", "assert size(chain) == 2 and chain.next.value == 2"),
    *question("ring", "ring = Node(1)\nring.next = ring", "assert ring.next.next is ring.next and ring.value == 1"),
    *question(
        "make",
        "def make(xs):\n    return Node(xs[0], make(xs[1:])) if xs else None",
        "made = make([1, 2, 3])\nassert type(made) is Node and size(made) == 3 and made == Node(1)",
    ),
    *question(
        "turn",
        "def turn(node):\n    last = None\n    while node:\n        node.next, last, node = last, node, node.next\n"
        "    return last",
        "a = Node(1, Node(2))\nb = turn(a)\nassert b.value == 2 and b.next is a and a.next is None",
    ),
    *question(
        "push", "def push(node, v):\n    node.next = Node(v)", "a = Node(1)\npush(a, 5)\nassert a.next.value == 5"
    ),
    *question("len", "count = size(chain)", "assert count == size(Node(1, Node(2)))"),
]
FORGED = (
    "\nclass Node:\n    __init__ = lambda s, *a: None\n    __eq__ = lambda s, o: True\n    value = 2\n    next = None\n"
)
REDEFINED = {
    "the class, in a test of data": ({"chain": f"{FORGED}chain = Node()"}, "chain-test"),
    "the function, in a test of data": ({"chain": "size = lambda node: 2\nchain = Node(1)"}, "chain-test"),
    "the method": (
        {"make": "Node.__eq__ = lambda s, o: True\nmake = lambda xs: Node(7, Node(8, Node(9)))"},
        "make-test",
    ),
    "the class, in a test of a function": ({"make": f"{FORGED}make = lambda xs: Node()"}, "make-test"),
    "the function, in a test of a function": ({"make": "size = lambda n: 3\nmake = lambda xs: Node(1)"}, "make-test"),
    "a subclass": ({"make": "class N(Node):\n    __eq__ = lambda s, o: True\nmake = lambda xs: N(1)"}, "make-test"),
    "a function that is wrong": ({"turn": "def turn(node):\n    return node"}, "turn-test"),
    "a change that does not come": ({"push": "def push(node, v):\n    node = Node(1, Node(v))"}, "push-test"),
    "the function, for a number": ({"len": "size = lambda node: 0\ncount = 0"}, "len-test"),
}


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return Made(course(tmp_path_factory.mktemp("classes"), book=CLASSES), {})


def test_instances_of_locked_classes_cross(classes: Made) -> None:
    assert classes.proofs.faults == []
    assert classes.failed({}) == []


@pytest.mark.parametrize("case", REDEFINED)
def test_locked_functions_and_classes_are_the_sources(classes: Made, case: str) -> None:
    answers, test = REDEFINED[case]
    assert test in classes.failed(answers)


def test_the_values_of_several_notebooks_are_computed_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    both, asked = threading.Barrier(2, timeout=30), []

    def with_givens(limits: Limits) -> None:
        both.wait()
        asked.append(limits)
        raise KernelError("it fails again where the values are needed")

    lacking = SimpleNamespace(sizes=None, lacks_givens=lambda limits: True, with_givens=with_givens)
    others = [SimpleNamespace(sizes=1), SimpleNamespace(sizes=None, lacks_givens=lambda limits: False)]
    find_givens([lacking, *others, lacking], Limits())  # type: ignore[list-item]
    assert asked == [Limits(), Limits()]
    find_givens([lacking, *others], Limits())  # type: ignore[list-item]  # it would wait for a second one
    assert len(asked) == 2
