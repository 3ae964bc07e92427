"""What an instructor hears of a test that does not prove itself on the solution, or pays for nothing."""

from functools import cache
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from autograder.course.course import Course
from autograder.course.limits import Limits
from autograder.errors import CourseError, KernelError
from autograder.gradebook.source_assignment import SourceAssignment
from autograder.grading import pipeline
from autograder.grading.proving import prove, proved
from autograder.judging.judge import Judge, JudgeLimits
from autograder.judging.proof import Kind
from autograder.tests.harness.tiny_course import locked
from autograder.tests.harness.tiny_course import make_notebooks as course
from autograder.tests.harness.tiny_course import make_question as question

pytestmark = pytest.mark.xdist_group("proof")  # so that one process makes what all of its tests share
MEND = "fix the test or the solution"


def source(course: Course) -> SourceAssignment:
    return SourceAssignment.examined(course, "ps1")


def faults_of(source: SourceAssignment, limits: Limits | None = None) -> list[str]:
    """Return all that is wrong with an assignment."""
    return [*source.findings, *proved(source, limits).faults]


def by_cell(found: list[str]) -> dict[str, str]:
    """Sentences by place, such as `plain q1-test`."""
    split = [sentence.removeprefix("ps1/").split(" ", 3) for sentence in found]
    assert all(words[0].endswith(".ipynb:") and words[1] == "cell" for words in split)
    assert not any("\n" in sentence for sentence in found)
    return {f"{words[0].removesuffix('.ipynb:')} {words[2]}": words[3] for words in split}


PLAIN = [
    locked("setup", "rate = 0.1\nlimits = [1, 2]\nclass Model:\n    def weights(self):\n        return [1]"),
    new_code_cell("def helper(x):\n    return x"),
    *question("sum", "def my_sum(xs):\n    return sum(xs)", "assert my_sum([1]) == 1"),
    *question("class", "class Stack:\n    pass", "assert Stack().items == []"),
    *question("model", "model = Model()", "assert model.weights() == [1]"),
    *question("models", "models = [Model()]", "assert len(models) == 1"),
    *question("module", "import math", "assert math.pi"),
    *question("help", "one = 1", "assert helper(one) == 1"),
    *question("maker", "def make():\n    return lambda: 1", "got = make()  # evidence\nassert got() == 1"),
    *question("many", "many = [None] * 2_000_000", "assert many"),
    *question("objects", "import numpy as np\nobjects = np.zeros(1, 'V1')", "assert len(objects) == 1"),
    *question("wrong", "wrong = 1", "assert wrong == 2, 'wrong: it is\\nnot 2.'"),
    *question("silent", "silent = 1", "assert silent == 2"),
    *question("part", "part = 1", "print('half of it')\n1.5"),
    *question("nothing", "nothing = 1", "0 * nothing"),
    *question("raise", "text = 'a'", "assert text + 1"),
    *question("truth", "truth = 1", "truth == 2"),
    *question("nan", "nan = 1", "nan * float('nan')"),
    *question("open", "a, b = 1, ...", "assert a and b"),
    *question("never", "x1 = 1", "assert x2 == 1"),
    *question("other", "y1 = 1", "y2 = sum([y1])\nassert y2 == 1"),
    *question("uses", "z1 = 1", "assert y2 == z1"),
    *question("divide", "zero = 0", "got = 1 / zero  # evidence\nassert got"),
    *question("inputs", "def f(x):\n    return x", "xs = [1]\ngot = [f(x) for x in xs]  # evidence\nassert got == xs"),
    *question("shadow", "rate = 0.2", "assert rate == 0.2"),
    *question("shown", "limits = [1, 2]", "assert limits == [1, 2]"),
    *question("free", "free = 1", "assert True"),
    *question("some", "some = 1", "score = 2 if some == 1 else 0.5\nscore", stub="some = 3"),
    *question("bool", "both = 1", "2 if both == 1 else False", stub="both = 3"),
    *question("good", "good = 1", "assert good == 1"),
    *question("worthless", "zero = 0", "assert True"),
]
PLAIN[-1].metadata.nbgrader.points = 0

RAISING = [
    locked("show", "undefined_on_purpose"),
    *question("early", "early = 1 / 0", "assert early == 1"),
    *question("late", "late = early + 1", "assert late == 1"),
    *question(
        "call", "def f():\n    return 1\nf.x = 1 / 0\ndef g():\n    return f", "got = g()  # evidence\nassert got"
    ),
    *question("stop", "raise ValueError\nstop = 1", "assert stop == 1"),
]

MADE = [
    locked("write", "%%writefile made.py\nx = 3"),
    locked("import", "import made"),
    *question("made", "y = 3", "assert y == made.x"),
]

EXPECTED = {
    "plain class-test": "gives the solution 0 of 2 points (the test cannot use this answer (AttributeError:"
    f" 'Stack' object has no attribute 'items')); {MEND}.",
    "plain many-test": "needs `many`: more than 2000000 items are too many; answer with less,"
    " for example output.shape.",
    "plain wrong-test": f"gives the solution 0 of 2 points (wrong: it is not 2); {MEND}.",
    "plain silent-test": f"gives the solution 0 of 2 points (`assert silent == 2` failed: silent is 1); {MEND}.",
    "plain part-test": f"gives the solution 1.5 of 2 points (half of it); {MEND}.",
    "plain nothing-test": f"gives the solution 0 of 2 points; {MEND}.",
    "plain raise-test": "gives the solution 0 of 2 points (the test cannot use this answer"
    f' (TypeError: can only concatenate str (not "int") to str)); {MEND}.',
    "plain truth-test": f"gives the solution 0 of 2 points (the test's last value is False); {MEND}.",
    "plain nan-test": "cannot be judged: the test's last value is nan, which is not a number of points;"
    " end the test with an assert, or with a number of points.",
    "plain open-test": "finds `...` in the solution, in `a` or `b`; write the answer there.",
    "plain never-test": "needs `x2`, which neither an answer nor a locked cell assigns;"
    " assign or import it in this test.",
    "plain divide-test": "has a line `got = …  # evidence` that raises ZeroDivisionError: division by zero;"
    " fix that line or the solution.",
    "plain inputs-test": "has a line `got = …  # evidence` that raises NameError: name 'xs' is not defined;"
    " from its own test, such a line can use only names that earlier `# evidence` lines assign.",
    "plain shadow-test": "gives the solution 0 of 2 points (`assert rate == 0.2` failed: rate is 0.1);"
    f" {MEND}"
    " (the test uses `rate` from a locked cell, but an answer also assigns it; rename one of them).",
    "plain shown-test": "gives 2 points for an unanswered notebook; make it fail when there is no answer"
    " (the test uses `limits` from a locked cell, but an answer also assigns it; rename one of them).",
    "plain free-test": "gives 2 points for an unanswered notebook; make it fail when there is no answer.",
    "plain some-test": "gives 0.5 points for an unanswered notebook; make it fail when there is no answer.",
    "plain bool-test": "cannot be judged on an unanswered notebook: the test's last value is False; it must be a number"
    " of points or None; end the test with an assert, or with a number of points.",
    "raising early-test": "needs `early`, which is not defined because cell early raises ZeroDivisionError:"
    " division by zero; fix that cell.",
    "raising late-test": "needs `late`, which is not defined because cell late raises NameError:"
    " name 'early' is not defined; fix that cell.",
    "raising call-test": "has a line `got = …  # evidence` that raises NameError: name 'g' is not defined,"
    " which is not defined because cell call raises ZeroDivisionError: division by zero; fix that cell.",
    "raising stop-test": "needs `stop`, which is not defined because cell stop raises ValueError; fix that cell.",
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every sentence about a course full of faults."""
    return by_cell(
        faults_of(source(course(tmp_path_factory.mktemp("faulty"), plain=PLAIN, raising=RAISING, made=MADE)))
    )


@pytest.mark.kernel
@pytest.mark.parametrize("place", EXPECTED)
def test_a_fault_is_named_with_its_cure(said: dict[str, str], place: str) -> None:
    assert said[place] == EXPECTED[place]


@pytest.mark.kernel
def test_faults_come_in_the_order_of_the_course_and_sound_cells_are_none(said: dict[str, str]) -> None:
    order = [
        f"{name} {cell.metadata.nbgrader.grade_id}"
        for name, cells in (("made", MADE), ("plain", PLAIN), ("raising", RAISING))
        for cell in cells
        if "nbgrader" in cell.metadata
    ]
    assert list(said) == [place for place in order if place in EXPECTED]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judges that wait a second."""
    monkeypatch.setattr(pipeline, "Judge", lambda helpers: Judge(helpers, JudgeLimits(seconds=1)))
    monkeypatch.setattr(pipeline, "judge_for", cache(pipeline.judge_for.__wrapped__))  # not one that another test has


@pytest.mark.kernel
@pytest.mark.usefixtures("hasty")
def test_a_solution_that_takes_too_long(tmp_path: Path) -> None:
    cells = [
        *question("slow", "while True: pass\nslow = 1", "assert slow == 1"),
        *question("loop", "def loop():\n    while True: pass", "got = loop()  # evidence\nassert got"),
        *question("test", "test = 1", "while test: pass"),
    ]
    assert by_cell(faults_of(source(course(tmp_path, slow=cells)), Limits(cell_seconds=2))) == {
        "slow slow-test": "needs `slow`, which is not defined because cell slow ran longer than 2 s and was stopped;"
        " fix that cell.",
        "slow loop-test": "has nothing to judge: cell loop-test ran longer than 2 s and was stopped; fix the solution.",
        "slow test-test": "gives the solution 0 of 2 points (the test could not finish on this answer within 1 s);"
        f" {MEND}.",
    }


def _no_kernel(*_: object) -> None:
    raise KernelError("no kernel could be started (OSError: none left).")


@pytest.mark.kernel
def test_no_kernel_is_no_proof(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "run", _no_kernel)
    with pytest.raises(CourseError) as error:
        prove(source(course(tmp_path, book=question("q", "q = 1", "assert q == 1"))))
    assert str(error.value) == (
        "ps1/book.ipynb: cell q-test cannot be judged: no kernel could be started (OSError: none left);"
        " run `autograder doctor` to see what is missing."
    )


@pytest.mark.kernel
def test_all_faults_are_listed_one_on_each_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "run", _no_kernel)
    cells = [cell for name in "abcde" for cell in question(name, f"{name} = 1", f"assert {name} == 1")]
    with pytest.raises(CourseError) as error:
        prove(source(course(tmp_path, book=cells)))
    places = [line.split(" cannot")[0] for line in str(error.value).splitlines()]
    assert places == [f"ps1/book.ipynb: cell {name}-test" for name in "abcde"]


@pytest.mark.kernel
def test_a_fault_of_one_notebook_hides_no_other(tmp_path: Path) -> None:
    made = course(
        tmp_path,
        one=[*question("a", "a = 1", "assert a == 1"), *question("a", "a = 1", "assert a == 1")],
        two=[*question("b", "b = 1", "# later"), *question("c", "c = 1", "assert c == 2")],
    )
    twice = "2 cells have this ID; give each cell its own ID in Create Assignment."
    assert faults_of(source(made)) == [
        *(f"source/ps1/one.ipynb: cell {name}: {twice}" for name in ("a", "a-test", "a", "a-test")),
        "ps1/two.ipynb: cell b-test: the test has no statement, so nobody can pass it; add an assert.",
        f"ps1/two.ipynb: cell c-test gives the solution 0 of 2 points (`assert c == 2` failed: c is 1); {MEND}.",
    ]


@pytest.mark.kernel
def test_a_notebook_without_tests_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "run", _no_kernel)
    prove(source(course(tmp_path, book=[locked("text", "1 / 0")])))


@pytest.mark.kernel
def test_a_test_that_cannot_be_judged_names_its_lines(tmp_path: Path) -> None:
    made = course(tmp_path, book=question("q", "q = 1", "!ls\n%time assert q == 1\n%cd .."))
    assert faults_of(source(made)) == [
        "ps1/book.ipynb: cell q-test, line 1: `!ls` runs a shell command, which a test cannot do;"
        " write it in Python, or run it in a locked cell before the test.",
        "ps1/book.ipynb: cell q-test, line 3: `%cd` works only in a notebook, not in a test; use the file's path.",
    ]


@pytest.mark.kernel
@pytest.mark.parametrize("test", ["%%time\nassert q == 1", "%timeit -n1 -r1 q\nassert q == 1", "assert q == 1\nq?"])
def test_a_test_with_a_magic_is_judged(tmp_path: Path, test: str) -> None:
    prove(source(course(tmp_path, book=question("q", "q = 1", test))))
    wrong = course(tmp_path / "wrong", book=question("q", "q = 2", test))
    assert faults_of(source(wrong)) == [
        f"ps1/book.ipynb: cell q-test gives the solution 0 of 2 points (`assert q == 1` failed: q is 2); {MEND}."
    ]


@pytest.mark.kernel
def test_points_for_nothing_may_be_meant(tmp_path: Path) -> None:
    made = course(tmp_path, book=[*question("a", "a = 1", "assert True"), *question("b", "b = 1", "assert True")])
    (tmp_path / "source" / "ps2").mkdir()
    nbformat.write(new_notebook(cells=question("c", "c = 1", "assert c")), tmp_path / "source" / "ps2" / "c.ipynb")
    made.config.Release.free_points = ["a-test", "c-test", "d-test"]
    assert faults_of(source(made)) == [
        "nbgrader_config.py: c.Release.free_points: no test cell has the ID 'd-test'; correct it, or delete it.",
        "ps1/book.ipynb: cell b-test gives 2 points for an unanswered notebook; make it fail when there is no answer.",
    ]


def test_free_points_must_be_a_list_of_names(tmp_path: Path) -> None:
    made = course(tmp_path, book=question("a", "a = 1", "assert True"))
    made.config.Release.free_points = 3
    with pytest.raises(CourseError, match=r"nbgrader_config\.py: c\.Release: The 'free_points' trait"):
        _ = made.free_points


@pytest.mark.kernel
def test_only_the_proofs_are_written(tmp_path: Path) -> None:
    book = course(tmp_path, book=question("q", "q = 1", "assert q == 1"))
    before = sorted(tmp_path.rglob("*"))
    prove(source(book))
    proofs = tmp_path / "reports" / "ps1.proofs"
    assert sorted(tmp_path.rglob("*")) == sorted([*before, proofs.parent, proofs])


# --- what is weak in a test that proves itself ---------------------------------------------------------------------


WEAK = [
    *question("loop", "def loop(n):\n    return [1, 2][:n]", "for x in loop(2):\n    assert x > 0"),
    *question("data", "data = [1, 2]", "assert all(x > 0 for x in data)"),
    *question("some", "some = [1]", "assert not isinstance(some, (int, str)) or some is None"),
    *question("two", "left = 1\nright = [2]", "assert left == 1\nfor x in right:\n    assert x == 2"),
    *question("zero", "zero = 0", "assert zero == 0"),
    *question("no", "no = False", "assert no == False"),
    *question("free", "free = 1", "assert free or True"),
    *question(
        "printed",
        "def printed():\n    print('hi')",
        "import io\nfrom contextlib import redirect_stdout\n"
        "with redirect_stdout(io.StringIO()) as out:\n    printed()\nassert out.getvalue() == 'hi\\n'",
    ),
    *question("class", "class Stack:\n    items = []", "assert Stack().items == []"),
    *question("endless", "endless = 5", "while endless < 5:\n    pass\nassert endless"),
    *question(
        "caught",
        "def caught():\n    return 3",
        "try:\n    other = len(caught())\nexcept BaseException:\n    other = None\nassert other is None",
    ),
    *question("good", "def good(n):\n    return n", "assert good(1) == 1\nassert good('a') == 'a'"),
]
ALSO = "the test also passes if {}; compare the answer with a value."


@pytest.mark.kernel
def test_a_test_that_passes_for_empty_answers_is_named(tmp_path: Path) -> None:
    made = course(tmp_path, weak=WEAK)
    made.config.Release.free_points = ["free-test"]
    proofs = proved(source(made))
    assert len(proofs.proofs) == len(proofs.tests) == 12
    assert by_cell(proofs.sentences(Kind.EMPTY)) == {
        "weak loop-test:": ALSO.format("`loop` returns [] or ''"),
        "weak data-test:": ALSO.format("`data` is [] or ''"),
        "weak some-test:": ALSO.format("`some` is None or []"),
        "weak two-test:": ALSO.format("`right` is [] or ''"),
        "weak caught-test:": ALSO.format("`caught` returns None or 0"),
    }


@pytest.mark.kernel
def test_what_no_answer_assigns_is_not_made_empty(tmp_path: Path) -> None:
    test = "assert q == 1, f'not {drawn[0]}'\nfor x in drawn:\n    assert x"
    cells = [locked("draw", "drawn = [x + 1 for x in range(3)]"), *question("q", "q = 1", test)]
    proofs = proved(source(course(tmp_path, book=cells)))
    assert list(proofs.proofs) == [("book", "q-test")]
    assert proofs.sentences(Kind.EMPTY) == []


VECTOR = """class V:
    def __init__(self, x):
        self.x = x
    def __eq__(self, other):
        return self.x == other.x
    def __len__(self):
        return self.x
    def __contains__(self, other):
        return other == self.x"""


@pytest.mark.kernel
def test_assertions_that_an_object_decides_are_named(tmp_path: Path) -> None:
    test = "v = V(1)\nassert v.x == 1\nassert v == V(1)\nassert len(v) == 1\nassert v\nassert (\n    1 in v\n)"
    made = course(tmp_path, book=question("v", VECTOR, test))
    decides = "an object of the student decides this assertion; compare data, such as `v.x == 4`."
    assert proved(source(made)).sentences(Kind.DECIDED) == [
        f"ps1/book.ipynb: cell v-test, line {line}: {decides}" for line in (3, 5, 7)
    ]
