"""What an instructor hears of a test that does not prove itself on the solution, or pays for nothing."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from autograder.course.course import Course
from autograder.course.limits import Limits
from autograder.errors import CourseError, KernelError
from autograder.grading import pipeline
from autograder.grading.proving import faults, prove
from autograder.judging.judge import Judge, JudgeLimits

CONFIG = 'c = get_config()\nc.CourseDirectory.course_id = "small"\n'
MEND = "fix the test or the solution"
NO_FILE = "modules that locked cells import must be installed, or be next to the source notebooks"


def cell(name: str, source: str, **rights: Any) -> NotebookNode:
    metadata = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3, **rights}
    made: NotebookNode = new_code_cell(source, metadata={"nbgrader": {"grade_id": name, **metadata}})
    return made


def locked(name: str, source: str) -> NotebookNode:
    return cell(name, source, locked=True)


def question(name: str, solution: str, test: str, stub: str = "") -> list[NotebookNode]:
    """An answer cell, whose solution the stub does not show, and its test."""
    source = f"{stub}\n### BEGIN SOLUTION\n{solution}\n### END SOLUTION".strip()
    return [
        cell(name, source, solution=True),
        cell(f"{name}-test", test, grade=True, locked=True, points=2),
    ]


def course(folder: Path, **notebooks: list[NotebookNode]) -> Course:
    source = folder / "source" / "ps1"
    source.mkdir(parents=True)
    (folder / "nbgrader_config.py").write_text(CONFIG)
    (source / "helper.py").write_text(f"name = {folder.name!r}\n")  # a judge of its own
    for name, cells in notebooks.items():
        nbformat.write(new_notebook(cells=cells), source / f"{name}.ipynb")
    return Course.at(folder)


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
    *question("many", "many = list(range(200_000))", "assert many"),
    *question("objects", "import numpy as np\nobjects = np.array([None])", "assert len(objects) == 1"),
    *question("wrong", "wrong = 1", "assert wrong == 2, 'wrong: it is\\nnot 2.'"),
    *question("silent", "silent = 1", "assert silent == 2"),
    *question("part", "part = 1", "print('half of it')\n1.5"),
    *question("nothing", "nothing = 1", "0 * nothing"),
    *question("raise", "text = 'a'", "assert text + 1"),
    *question("truth", "truth = 1", "truth == 1"),
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
    "plain sum-test": "needs `my_sum`, a function, which is not plain data; call it on a line that ends in"
    " `# evidence`, such as `got = [my_sum(x) for x in inputs]  # evidence`, and test `got`.",
    "plain class-test": "needs `Stack`, a type, which is not plain data; get data from it on a line that ends in"
    " `# evidence`, such as `got = Stack(…).method()  # evidence`, and test `got`.",
    "plain model-test": "needs `model`, a Model, which is not plain data; get data from it on a line that ends in"
    " `# evidence`, such as `got = model.method()  # evidence`, and test `got`.",
    "plain models-test": "needs `models`, a Model, which is not plain data; get data from it on a line that ends in"
    " `# evidence`, such as `got = models.method()  # evidence`, and test `got`.",
    "plain module-test": "needs `math`, a module, which is not plain data; import it in this test or in a locked cell.",
    "plain help-test": "needs `helper`, a function, which is not plain data;"
    " if it is not an answer, lock the cell that defines it.",
    "plain maker-test": "needs `got`, a function, which is not plain data;"
    " make its `# evidence` line return numbers, strings, lists or arrays.",
    "plain many-test": "needs `many`: more than 100000 items are too many; answer with less, for example output.shape.",
    "plain objects-test": "needs `objects`, an array of dtype object, which is not plain data; get data from it on"
    " a line that ends in `# evidence`, such as `got = objects.method()  # evidence`, and test `got`.",
    "plain wrong-test": f"gives the solution 0 of 2 points (wrong: it is not 2); {MEND}.",
    "plain silent-test": f"gives the solution 0 of 2 points (an assertion failed); {MEND}.",
    "plain part-test": f"gives the solution 1.5 of 2 points (half of it); {MEND}.",
    "plain nothing-test": f"gives the solution 0 of 2 points; {MEND}.",
    "plain raise-test": "gives the solution 0 of 2 points (the test cannot use this answer"
    f' (TypeError: can only concatenate str (not "int") to str)); {MEND}.',
    "plain truth-test": "cannot be judged: the test's last value is True; it must be a number of points or None;"
    " end the test with an assert, or with a number of points.",
    "plain nan-test": "cannot be judged: the test's last value is nan, which is not a number of points;"
    " end the test with an assert, or with a number of points.",
    "plain open-test": "finds `...` in the solution, in `a` or `b`; write the answer there.",
    "plain never-test": "needs `x2`, which neither an answer nor a locked cell assigns;"
    " assign or import it in this test.",
    "plain uses-test": "needs `y2`, which neither an answer nor a locked cell assigns;"
    " assign or import it in this test.",
    "plain divide-test": "has a line `got = …  # evidence` that raises ZeroDivisionError: division by zero;"
    " fix that line or the solution.",
    "plain inputs-test": "has a line `got = …  # evidence` that raises NameError: name 'xs' is not defined;"
    " from its own test, such a line can use only names that earlier `# evidence` lines assign.",
    "plain shadow-test": f"gives the solution 0 of 2 points (an assertion failed); {MEND}"
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
    "made made-test": "cannot be judged: the test's imports and constants fail"
    f" (ModuleNotFoundError: No module named 'made'); {NO_FILE}.",
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every sentence about a course full of faults."""
    return by_cell(faults(course(tmp_path_factory.mktemp("faulty"), plain=PLAIN, raising=RAISING, made=MADE), "ps1"))


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


@pytest.mark.kernel
@pytest.mark.usefixtures("hasty")
def test_a_solution_that_takes_too_long(tmp_path: Path) -> None:
    cells = [
        *question("slow", "while True: pass\nslow = 1", "assert slow == 1"),
        *question("loop", "def loop():\n    while True: pass", "got = loop()  # evidence\nassert got"),
        *question("test", "test = 1", "while test: pass"),
    ]
    assert by_cell(faults(course(tmp_path, slow=cells), "ps1", Limits(cell_seconds=2))) == {
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
        prove(course(tmp_path, book=question("q", "q = 1", "assert q == 1")), "ps1")
    assert str(error.value) == (
        "ps1/book.ipynb: cell q-test cannot be judged: no kernel could be started (OSError: none left);"
        " run `autograder doctor` to see what is missing."
    )


@pytest.mark.kernel
def test_the_first_faults_are_told_and_the_rest_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "run", _no_kernel)
    cells = [cell for name in "abcde" for cell in question(name, f"{name} = 1", f"assert {name} == 1")]
    with pytest.raises(CourseError) as error:
        prove(course(tmp_path, book=cells), "ps1")
    assert str(error.value).count("ps1/book.ipynb: cell ") == 3
    assert str(error.value).endswith(" And 2 more.")
    assert "\n" not in str(error.value)


@pytest.mark.kernel
def test_a_notebook_without_tests_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "run", _no_kernel)
    prove(course(tmp_path, book=[locked("text", "1 / 0")]), "ps1")


@pytest.mark.kernel
def test_a_test_that_cannot_be_planned(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"book: cell q-test, line 1: invalid syntax; fix the test\."):
        prove(course(tmp_path, book=question("q", "q = 1", "%time q")), "ps1")


@pytest.mark.kernel
def test_nothing_is_written(tmp_path: Path) -> None:
    book = course(tmp_path, book=question("q", "q = 1", "assert q == 1"))
    before = sorted(tmp_path.rglob("*"))
    prove(book, "ps1")
    assert sorted(tmp_path.rglob("*")) == before
