"""Reproduce: each result and each sentence, on tiny notebooks; what is left behind; and once with TensorFlow.

To start pytest, nbval and a kernel costs seconds: so a notebook holds many cases, and no such fixture is shared, which
xdist would make once in each of its processes.
"""

import copy
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from autograder.cli.main import main
from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.gradebook.ledger import Ledger
from autograder.replay import compare as room
from autograder.replay import nbval as nbval_run
from autograder.replay.compare import reproduce, validate
from autograder.replay.nbval import Failure, Outcome, code_cells, nbval, read
from autograder.replay.refresh import refresh
from autograder.tests.harness.toy import (
    CONFIG,
    at,
    cell,
    contents,
    left_behind,
    make_course,
    marked,
    toy,
    uncount,
    wait_for,
    write,
)
from autograder.tests.support import ROOT, copy_helper

pytestmark = pytest.mark.process

DAEMON = f"import subprocess as s; s.Popen(['sleep', '4000.{os.getpid()}'], start_new_session=True, env={{}}) and 1"
OUTLIVES = "import time\ntry: time.sleep(60)\nexcept KeyboardInterrupt: pass"
STUBBORN = "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: time.sleep(1)"


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """The toy course."""
    return make_course(tmp_path)


def master(course: Course) -> Any:
    return nbformat.read(course.root / "solutions/toy/a.ipynb", 4)


def unanswered(name: str, source: str) -> Any:
    made = cell(name, source)
    made.metadata.nbgrader.solution = True
    return made


def _raised(name: str, text: str) -> Failure:
    return Failure.at(name, f"raises {text}", raised=text)


# What students hand in: each changes a copy of the executed master.


def honest(notebook: Any) -> None:
    at(notebook, "guess").source = "guess = 5"
    at(notebook, "shape").outputs[0].text = "3 5\n"
    error = new_output("error", ename="NameError", evalue="name 'unknown' is not defined", traceback=[])
    at(notebook, "free").update(source="unknown", execution_count=9, outputs=[error])
    notebook.cells.append(cell("never-run", "1/0"))
    at(notebook, "setup").source += f"\n{DAEMON}"


def hidden(notebook: Any) -> None:
    at(notebook, "shape").outputs[0].text = "3 4\n"
    emptied(notebook)
    at(notebook, "twice").update(outputs=[], execution_count=None)
    for each in notebook.cells:
        each.metadata = {"tags": ["nbval-skip", "nbval-ignore-output"]}
    at(notebook, "shape").source += "\n \f## NBVAL_SKIP\n# NBVAL_IGNORE_OUTPUT"


def wrong(notebook: Any) -> None:
    at(notebook, "sum").outputs[0].data["text/plain"] = "5"  # as printed with the student's helper.py
    at(notebook, "free").update(source="unknown", execution_count=9, outputs=[])
    hostile = cell("x", OUTLIVES, text="")
    hostile.metadata.nbgrader.grade_id = "[b]\ud800,\n=1"
    notebook.cells.append(hostile)


# What nbval finds no fault with.


def cleared(notebook: Any) -> None:
    at(notebook, "sum").update(outputs=[], execution_count=None)


def emptied(notebook: Any) -> None:
    at(notebook, "sum").outputs = []  # the execution count stays


def uncounted(notebook: Any) -> None:
    uncount(at(notebook, "sum"))  # the output stays


def deleted(notebook: Any) -> None:
    notebook.cells.remove(at(notebook, "sum"))


CLASS: dict[Callable[[Any], None], str] = {
    honest: "yes",
    hidden: "no: a/shape",
    wrong: "no: a/sum, a/free, a/_b_1",
}
DAMAGED = {
    "garbage": b"{",
    "binary": b"\xff\xfe",
    "list": b"[]",
    "other": b'{"nbformat": 9, "cells": []}',
    "cells": b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": 3}',
    "deep": b"[" * 100_000,
}
RESULTS = (
    {change.__name__: result for change, result in CLASS.items()}
    | dict.fromkeys(DAMAGED, "no: a damaged")
    | {"nothing": "no: a missing"}
)


@pytest.fixture
def handed_in(course: Course) -> dict[str, tuple[bytes, int]]:
    """A class of students; gives the bytes and times of all that lies in the course now."""
    submitted = course.root / "submitted"
    for change in CLASS:
        notebook = copy.deepcopy(master(course))
        change(notebook)
        folder = submitted / change.__name__ / "toy"
        folder.mkdir(parents=True)
        (folder / "a.ipynb").write_text(json.dumps(notebook))
        (folder / "helper.py").write_text("three = 4\n")
    for name, content in DAMAGED.items():
        (submitted / name / "toy").mkdir(parents=True)
        (submitted / name / "toy" / "a.ipynb").write_bytes(content)
    (submitted / "nothing" / "toy").mkdir(parents=True)
    return contents(course.root)


def _texts(course: Course, *students: Any, assignment: str = "toy", **options: Any) -> dict[str, str]:
    return {student: str(result) for student, result in reproduce(course, assignment, *students, **options).items()}


def test_a_class_run_again(course: Course, handed_in: dict[str, tuple[bytes, int]], scratch: Path) -> None:
    told: list[tuple[str, str]] = []
    found = _texts(course, progress=lambda student, result: told.append((student, result)), timeout=2)
    assert found == RESULTS
    assert list(found) == course.students("toy")
    assert told == list(found.items())
    ledger = Ledger(course, "toy")
    assert {student: ledger.of(student)["reproducible"] for student in found} == found
    now = contents(course.root)
    assert all(now.pop(str(ledger.folder / f"{student}.json")) for student in found)
    assert now == handed_in
    assert list(scratch.iterdir()) == []
    assert left_behind() == []


@pytest.mark.parametrize("change", [cleared, emptied, uncounted, deleted], ids=lambda change: change.__name__)
def test_not_run_where_nbval_finds_nothing(course: Course, change: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = master(course)
    write(course.root / "submitted/s1/toy/a.ipynb", *notebook.cells)
    change(notebook)
    write(course.root / "submitted/s2/toy/a.ipynb", *notebook.cells)
    monkeypatch.setattr(room, "nbval", lambda *_: Outcome(True, ()))
    assert _texts(course) == {"s1": "yes", "s2": "not run"}


def test_a_result_names_three_cells(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    write(course.root / "submitted/s1/toy/a.ipynb", *toy(stored=True))
    failures = [Failure.at(name, "raises") for name in ("shape", "sum", "twice", "list")]
    monkeypatch.setattr(room, "nbval", lambda *_: Outcome.of(failures))
    assert _texts(course) == {"s1": "no: a/shape, a/sum, a/twice, …"}


def test_a_stop_drops_those_that_have_not_begun(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = []
    for number in range(9):
        write(course.root / f"submitted/s{number}/toy/a.ipynb", *toy(stored=True))

    def stopped(*_: object) -> None:
        begun.append(1)
        time.sleep(0.1)
        raise KeyboardInterrupt

    monkeypatch.setattr(room, "WORKERS", 1)
    monkeypatch.setattr(room, "nbval", stopped)
    with pytest.raises(KeyboardInterrupt):
        reproduce(course, "toy")
    assert len(begun) < 5


def test_students_by_name(course: Course, handed_in: object) -> None:
    assert _texts(course, ["nothing", "garbage"]) == {"nothing": "no: a missing", "garbage": "no: a damaged"}
    with pytest.raises(CourseError, match=r"submitted/nobody/toy: no submission here; check the name\.$"):
        reproduce(course, "toy", ["nobody"])


# nbval itself: each sentence.

FAULTS = [
    (cell("a", "{}['x']"), "cell a raises KeyError: 'x'"),
    (cell("b", "raise ValueError('one\\ntwo: 2')"), "cell b raises ValueError: one"),
    (cell("c", "def f("), "cell c raises SyntaxError: incomplete input"),
    (cell("d", "raise SystemExit"), "cell d raises SystemExit"),
    (cell("e", "try:\n    1/0\nexcept Exception as e:\n    raise OSError from e"), "cell e raises OSError"),
    (marked("f", "print(1)", "2\n"), "cell f prints something different from its stored output."),
    (uncount(marked("g", "print(1)", "1\n")), "cell g has a stored output, but no execution count."),
    (new_code_cell("1/0", id="plain"), "cell plain raises ZeroDivisionError: division by zero"),
    (new_code_cell("1/0"), "cell 9 raises ZeroDivisionError: division by zero"),
    (cell("late", "import time\nwhile True: time.sleep(1)"), "cell late timed out after 2 s."),
]
CRASH = "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)"


def test_a_sentence_for_each_fault(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", *(each for each, _ in FAULTS), cell("after", "1/0"))
    notebook = nbformat.read(path, 4)
    notebook.nbformat_minor = 4
    at(notebook, "a").id = "other"
    del notebook.cells[8]["id"]
    path.write_text(json.dumps(notebook))
    found = nbval(path, tmp_path, 2)
    assert [str(failure) for failure in found.failures] == [sentence for _, sentence in FAULTS]
    assert [failure.cell for failure in found.failures] == [*"abcdefg", "plain", "9", "late"]
    assert not found.ok


def test_a_cell_that_kills_its_kernel(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", cell("a", CRASH), cell("b", "1"))
    (failure,) = nbval(path, tmp_path, 1).failures
    assert failure == Failure("a", "cell a timed out after 1 s, or its kernel died.")


def test_a_notebook_without_code(tmp_path: Path) -> None:
    assert nbval(write(tmp_path / "a.ipynb", new_markdown_cell("nothing")), tmp_path) == Outcome(True, ())


def test_no_notebook(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_text("no")
    for path in (tmp_path / "a.ipynb", tmp_path / "b.ipynb"):
        assert nbval(path, tmp_path).failures == (Failure("", "the notebook could not run: it is not a notebook."),)


def test_the_kernel_is_started_by_the_provisioner_that_jupyter_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_DEFAULT_PROVISIONER_NAME", "no-such-sandbox")
    (failure,) = nbval(write(tmp_path / "a.ipynb", cell("a", "1"), cell("b", "2")), tmp_path).failures
    said = "ModuleNotFoundError: Kernel provisioner 'no-such-sandbox' has not been registered."
    assert failure == Failure("", f"the notebook could not run: {said}")


def test_a_kernel_that_died_at_its_start_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = [Failure("", "the notebook could not run: RuntimeError: Kernel died before replying to kernel_info", True)]
    ends: list[list[Failure]] = [dead, [], dead, dead, dead, []]
    monkeypatch.setattr(nbval_run, "_run", lambda *_, **__: Outcome.of(ends.pop(0)))
    path = write(tmp_path / "a.ipynb", cell("a", "1"))
    assert nbval(path, tmp_path).ok
    assert nbval(path, tmp_path).failures == tuple(dead)
    assert ends == [[]]


def test_pytest_that_cannot_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nbval_run, "NBVAL", "--no-such-option")
    (failure,) = nbval(write(tmp_path / "a.ipynb", cell("a", "1")), tmp_path).failures
    assert failure == Failure("", "the notebook could not run: pytest ended with 4.")


def test_a_notebook_has_a_time_limit_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nbval_run, "SPARE_SECONDS", 1)
    path = write(tmp_path / "a.ipynb", cell("a", DAEMON), cell("b", STUBBORN), cell("c", "1"))
    begun = time.monotonic()
    (failure,) = nbval(path, tmp_path, 1).failures
    assert str(failure) == "the notebook was still running after 4 s."
    assert time.monotonic() - begun < 8
    assert left_behind() == []


def test_nothing_is_left_when_the_grader_is_killed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", cell("a", f"{DAEMON}\nopen('begun', 'w')\n{STUBBORN}"))
    code = f"from pathlib import Path as P; from autograder.replay.nbval import nbval; nbval(P({str(path)!r}), P('.'))"
    grader = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=os.environ | {"TMPDIR": str(tmp_path)})
    wait_for((tmp_path / "begun").exists)
    assert left_behind() != []
    grader.send_signal(signal.SIGKILL)
    grader.wait()
    wait_for(lambda: not left_behind())


def test_validate_runs_source_and_released_notebooks(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    late = [cell("more", "from helper import four"), unanswered("todo", "raise NotImplementedError()")]
    write(course.root / "notebooks/toy/a.ipynb", *toy(stored=False), *late)
    before = contents(course.root)
    (source, well), (released, ill) = validate(course)
    assert [source, released] == [course.root / f"{step}/toy/a.ipynb" for step in ("solutions", "notebooks")]
    assert well == Outcome(True, (), compared=4)
    assert ill.compared == 0
    assert [failure.cell for failure in ill.failures] == ["more"]
    assert [failure.cell for failure in ill.unanswered] == ["todo"]
    assert str(ill.failures[0]).startswith("cell more raises ImportError: cannot import name 'four' from 'helper'")
    assert contents(course.root) == before


UNANSWERED: dict[str, tuple[list[Failure], list[str]]] = {
    "an answer cell, and what follows": ([_raised("todo", "ValueError"), _raised("given", "NameError: x")], []),
    "a stub that is called": ([_raised("given", "NotImplementedError"), _raised("test", "AssertionError")], []),
    "a given cell": ([_raised("given", "ImportError: x"), _raised("todo", "NotImplementedError: y")], ["given"]),
    "no error but a time-out": ([Failure.at("todo", "timed out after 1 s.")], ["todo"]),
}


@pytest.mark.parametrize("case", UNANSWERED)
def test_validate_expects_the_errors_of_unanswered_questions_in_a_release(
    case: str, course: Course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    raised, faults = UNANSWERED[case]
    cells = [unanswered("todo", "x"), cell("given", "x"), cell("test", "x")]
    cells[2].metadata.nbgrader.grade = True
    write(course.root / "notebooks/toy/a.ipynb", *cells)
    monkeypatch.setattr(room, "nbval", lambda path, *_: Outcome.of(raised if len(read(path).cells) == 3 else []))
    assert main(["--course", str(course.root), "validate"]) == bool(faults)
    errors = {0: "", 1: ": 1 error, as expected in an unanswered notebook"}
    more = errors.get(len(raised) - len(faults), ": 2 errors, as expected in an unanswered notebook")
    assert capsys.readouterr().out.splitlines()[1:] == [
        f"{'✗' if faults else '✓'} notebooks/toy/a.ipynb{more}",
        *(f"  {failure}" for failure in raised if failure.cell in faults),
    ]


def test_validate_says_how_many_cells_were_compared(
    course: Course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes = iter([Outcome(True, (), 4), Outcome.of([Failure.at("more", "raises ImportError")])])
    monkeypatch.setattr(room, "nbval", lambda *_: next(outcomes))
    monkeypatch.setattr(room, "WORKERS", 1)
    assert main(["--course", str(course.root), "validate"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "✓ solutions/toy/a.ipynb: 4 cells compared with their stored output",
        "✗ notebooks/toy/a.ipynb",
        "  cell more raises ImportError",
    ]


def test_validate_names_marked_cells_without_output(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(course.root / "notebooks/toy/a.ipynb", course.root / "solutions/toy/a.ipynb")
    monkeypatch.setattr(room, "nbval", lambda *_: Outcome(True, ()))
    (_, source), (_, released) = validate(course, "toy")
    assert [str(failure) for failure in source.failures] == [
        f"cell {name} is tagged nbval-check-output but has no stored output; run `autograder outputs`."
        for name in ("shape", "sum", "twice", "list")
    ]
    assert released.ok


BAD_COURSES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no release": (
        lambda root: shutil.rmtree(root / "notebooks"),
        "notebooks/toy: nothing is released yet; run `autograder release`.",
    ),
    "half a release": (
        lambda root: (root / "notebooks/toy/a.ipynb").unlink(),
        "notebooks/toy: a.ipynb is not released; run `autograder release`.",
    ),
    "a broken source": (
        lambda root: (root / "solutions/toy/a.ipynb").write_text("{"),
        "solutions/toy/a.ipynb: not a notebook (NotJSONError); put one there.",
    ),
}


@pytest.mark.parametrize("fault", BAD_COURSES)
def test_validate_says_what_is_missing(course: Course, fault: str) -> None:
    spoil, sentence = BAD_COURSES[fault]
    spoil(course.root)
    with pytest.raises(CourseError) as caught:
        validate(course)
    assert str(caught.value) == f"{course.root}/{sentence}"


def test_bad_names(course: Course) -> None:
    for ask in (validate, reproduce):
        with pytest.raises(CourseError, match=r"/solutions: no assignment 'tow'; there are: toy\.$"):
            ask(course, "tow")
    with pytest.raises(CourseError, match=r"/submitted/<student>/toy: no submissions here; put each student's"):
        reproduce(course, "toy")
    shutil.rmtree(course.root / "notebooks")
    with pytest.raises(CourseError, match=r"/notebooks/toy: nothing is released yet; run `autograder release`\.$"):
        reproduce(course, "toy")


# TensorFlow


@pytest.mark.kernel
def test_nbval_works_as_typed() -> None:
    command = [str(Path(sys.executable).with_name("pytest")), "--nbval-lax", "solutions/rnn_shapes/1_lstm.ipynb"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True, check=False)
    cells = len(code_cells(read(ROOT / command[-1])))
    assert f" {cells} passed in" in done.stdout, done.stdout[-2000:]


@pytest.mark.kernel
def test_a_real_notebook(tmp_path: Path) -> None:
    (tmp_path / "nbgrader_config.py").write_text(CONFIG)
    for step in ("solutions", "notebooks"):
        (tmp_path / step / "rnn_shapes").mkdir(parents=True)
        shutil.copy(ROOT / "solutions/rnn_shapes/3_gru.ipynb", tmp_path / step / "rnn_shapes")
        copy_helper(tmp_path / step / "rnn_shapes")
    course, solution = Course.at(tmp_path), tmp_path / "solutions/rnn_shapes/3_gru.ipynb"
    refresh(course)
    handed_in = tmp_path / "submitted/s1/rnn_shapes/3_gru.ipynb"
    handed_in.parent.mkdir(parents=True)
    handed_in.write_text(solution.read_text().replace("reset_after=False: 54", "reset_after=False: 63"))
    assert _texts(course, assignment="rnn_shapes") == {
        "s1": "no: 3_gru/parameters"
    }  # and the model's summary is the same
