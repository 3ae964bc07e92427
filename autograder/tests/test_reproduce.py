"""Reproduce: each result and each sentence, on tiny notebooks; what is left behind; and once with TensorFlow."""

import copy
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from autograder import reproduce as room
from autograder.course import Course
from autograder.errors import CourseError
from autograder.ledger import Ledger
from autograder.reproduce import TAG, nbval, refresh, reproduce, validate

ROOT = Path(__file__).parents[2]
CONFIG = """
c = get_config()
c.CourseDirectory.course_id = "tiny"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "notebooks"
"""
MARK = f"reproduce-test-{os.getpid()}"
DAEMON = f"import subprocess as s; s.Popen(['sleep', '4000.{os.getpid()}'], start_new_session=True, env={{}}) and 1"
STUBBORN = "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: time.sleep(1)"


def cell(name: str, source: str, *tags: str, text: str | None = None) -> Any:
    """A code cell as nbgrader keeps it; with `text`, as if it had run and printed that."""
    made = new_code_cell(source, id=name, metadata={"nbgrader": {"grade_id": name}, "tags": list(tags)})
    if text is not None:
        made.update(execution_count=1, outputs=[new_output("stream", name="stdout", text=text)])
    return made


def marked(name: str, source: str, text: str | None = None) -> Any:
    return cell(name, source, TAG, text=text)


def uncount(each: Any) -> Any:
    each.execution_count = None
    return each


def write(path: Path, *cells: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=list(cells)), path)
    return path


def at(notebook: Any, name: str) -> Any:
    return next(each for each in notebook.cells if each.id == name)


def left_behind() -> list[str]:
    """Processes that were started under this module's mark, or by its daemon."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            said = (place / "cmdline").read_bytes(), (place / "environ").read_bytes()
        except OSError:
            continue
        if int(place.name) != os.getpid() and (f"4000.{os.getpid()}".encode() in said[0] or MARK.encode() in said[1]):
            found.append(said[0].decode())
    return found


@pytest.fixture(scope="module", autouse=True)
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """All processes of this module carry its mark; all temporary folders lie in one, which must be empty at the end."""
    folder = tmp_path_factory.mktemp("scratch")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOGRADER_MARK", MARK)
        patch.setattr(tempfile, "tempdir", str(folder))
        patch.setattr(room, "WORKERS", 4)
        yield folder
    assert list(folder.iterdir()) == []
    assert left_behind() == []


def make_course(folder: Path) -> Course:
    """One assignment `toy`, one notebook `a`, a helper; released, but never run."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "nbgrader_config.py").write_text(CONFIG)
    guess = new_code_cell("guess = ...", id="guess")
    cells = [
        new_markdown_cell("# Toy", id="title"),
        cell("setup", "import random\nfrom helper import three"),
        guess,
        marked("shape", "print(three, guess)"),
        marked("sum", "three + 1"),
        marked("twice", "print(2 * three)"),
        marked("list", "print([three])"),
        cell("free", "print(random.random())"),
    ]
    for step in ("solutions", "notebooks"):
        write(folder / step / "toy" / "a.ipynb", *cells)
        (folder / step / "toy" / "helper.py").write_text("three = 3\n")
    return Course.at(folder)


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """The toy course with its outputs stored."""
    made = make_course(tmp_path_factory.mktemp("course"))
    assert refresh(made, "toy", "a") == [made.root / "solutions/toy/a.ipynb"]
    return made


def master(course: Course) -> Any:
    return nbformat.read(course.root / "solutions/toy/a.ipynb", 4)


# What students hand in: each changes a copy of the executed master.


def honest(notebook: Any) -> None:
    at(notebook, "guess").source = "guess = 5"
    at(notebook, "shape").outputs[0].text = "3 5\n"
    error = new_output("error", ename="NameError", evalue="name 'unknown' is not defined", traceback=[])
    at(notebook, "free").update(source="unknown", execution_count=9, outputs=[error])
    notebook.cells.append(cell("never-run", "1/0"))
    at(notebook, "setup").source += f"\n{DAEMON}"


def edited(notebook: Any) -> None:
    at(notebook, "shape").outputs[0].text = "3 4\n"


def hidden(notebook: Any) -> None:
    edited(notebook)
    for each in notebook.cells:
        each.metadata = {"tags": ["nbval-skip", "nbval-ignore-output"]}
    at(notebook, "shape").source += "\n \f## NBVAL_SKIP\n# NBVAL_IGNORE_OUTPUT"


def cleared(notebook: Any) -> None:
    at(notebook, "sum").update(outputs=[], execution_count=None)


def cleared_and_edited(notebook: Any) -> None:
    cleared(notebook)
    edited(notebook)


def emptied(notebook: Any) -> None:
    at(notebook, "sum").outputs = []  # the execution count stays


def uncounted(notebook: Any) -> None:
    uncount(at(notebook, "sum"))  # the output stays


def deleted(notebook: Any) -> None:
    notebook.cells.remove(at(notebook, "sum"))


def all_wrong(notebook: Any) -> None:
    for name in ("shape", "twice", "list"):
        at(notebook, name).outputs[0].text = "?\n"
    at(notebook, "sum").outputs[0].data["text/plain"] = "?"


def own_helper(notebook: Any) -> None:
    at(notebook, "twice").outputs[0].text = "8\n"  # as printed with the student's helper.py


def stale(notebook: Any) -> None:
    at(notebook, "free").update(source="unknown", execution_count=9, outputs=[])
    hostile = cell("x", "1/0", text="")
    hostile.metadata.nbgrader.grade_id = "[b]\ud800,\n=1"
    notebook.cells.append(hostile)


def outlives(notebook: Any) -> None:
    at(notebook, "free").source = "import time\ntry: time.sleep(60)\nexcept KeyboardInterrupt: pass"


CLASS: dict[Callable[[Any], None], str] = {
    honest: "yes",
    hidden: "no: a/shape",
    cleared_and_edited: "no: a/shape",
    emptied: "not run",
    all_wrong: "no: a/shape, a/sum, a/twice, …",
    own_helper: "no: a/twice",
    stale: "no: a/free, a/_b_1",
    outlives: "no: a/free",
}
DAMAGED = {
    "garbage": b"{",
    "binary": b"\xff\xfe",
    "list": b"[]",
    "other": b'{"nbformat": 9, "cells": []}',
    "cells": b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": 3}',
    "deep": b"[" * 100_000,
}


@pytest.fixture(scope="module")
def handed_in(course: Course) -> dict[str, tuple[bytes, int]]:
    """A class of students; gives the bytes and times of all they handed in."""
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
    return contents(submitted)


def contents(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def results(course: Course, handed_in: object) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The whole class run again, and what was told meanwhile."""
    told: list[tuple[str, str]] = []
    return reproduce(course, "toy", progress=lambda student, result: told.append((student, result)), timeout=2), told


@pytest.mark.parametrize("change", CLASS, ids=lambda change: change.__name__)
def test_a_student_s_result(results: tuple[dict[str, str], object], change: Callable[[Any], None]) -> None:
    assert results[0][change.__name__] == CLASS[change]


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_notebook(results: tuple[dict[str, str], object], name: str) -> None:
    assert results[0][name] == "no: a damaged"


def test_a_missing_notebook(results: tuple[dict[str, str], object]) -> None:
    assert results[0]["nothing"] == "no: a missing"


def test_results_come_in_order_and_go_into_the_ledger(course: Course, results: Any) -> None:
    found, told = results
    assert list(found) == course.students("toy")
    assert told == list(found.items())
    ledger = Ledger(course, "toy")
    assert {student: ledger.of(student)["reproducible"] for student in found} == found


def test_nothing_is_left_of_a_class(course: Course, handed_in: object, results: object, scratch: Path) -> None:
    assert contents(course.root / "submitted") == handed_in
    assert sorted(path.name for path in (course.root / "notebooks/toy").iterdir()) == ["a.ipynb", "helper.py"]
    assert list(scratch.iterdir()) == []
    assert left_behind() == []


@pytest.mark.parametrize("change", [cleared, uncounted, deleted], ids=lambda change: change.__name__)
def test_not_run_where_nbval_finds_nothing(tmp_path: Path, course: Course, change: Any, monkeypatch: Any) -> None:
    shutil.copytree(course.root, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("submitted"))
    notebook = master(course)
    write(tmp_path / "submitted/s1/toy/a.ipynb", *notebook.cells)
    change(notebook)
    write(tmp_path / "submitted/s2/toy/a.ipynb", *notebook.cells)
    monkeypatch.setattr(room, "nbval", lambda *_: room.Outcome(True, ()))
    assert reproduce(Course.at(tmp_path), "toy") == {"s1": "yes", "s2": "not run"}


def test_a_stop_drops_those_that_have_not_begun(
    course: Course, handed_in: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = []

    def stopped(*_: object) -> None:
        begun.append(1)
        time.sleep(0.1)
        raise KeyboardInterrupt

    monkeypatch.setattr(room, "WORKERS", 1)
    monkeypatch.setattr(room, "nbval", stopped)
    with pytest.raises(KeyboardInterrupt):
        reproduce(course, "toy")
    assert len(begun) < 5 < len(CLASS)


def test_students_by_name(course: Course, handed_in: object) -> None:
    assert reproduce(course, "toy", ["nothing", "garbage"]) == {"nothing": "no: a missing", "garbage": "no: a damaged"}
    with pytest.raises(CourseError, match=r"submitted/nobody/toy: no submission here; check the name\.$"):
        reproduce(course, "toy", ["nobody"])


# nbval itself: each sentence.

SENTENCES = {
    "empty": ([new_markdown_cell("nothing")], 2, []),
    "differs": (
        [marked("a", "print(1)", "2\n"), uncount(marked("b", "print(1)", "1\n"))],
        2,
        [
            "cell a prints something else than its stored output.",
            "cell b has a stored output, but no execution count.",
        ],
    ),
    "raises": (
        [
            cell("a", "{}['x']"),
            cell("b", "raise ValueError('one\\ntwo: 2')"),
            cell("c", "def f("),
            cell("d", "raise SystemExit"),
            cell("e", "try:\n    1/0\nexcept Exception as e:\n    raise OSError from e"),
        ],
        2,
        [
            "cell a raises KeyError: 'x'",
            "cell b raises ValueError: one",
            "cell c raises SyntaxError: incomplete input",
            "cell d raises SystemExit",
            "cell e raises OSError",
        ],
    ),
    "late": (
        [cell("a", "import time\nwhile True: time.sleep(1)"), cell("b", "1/0")],
        1,
        ["cell a timed out after 1 s."],
    ),
    "crash": (
        [cell("a", "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)"), cell("b", "1")],
        1,
        ["cell a timed out after 1 s, or its kernel died."],
    ),
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, room.Outcome]:
    folder = tmp_path_factory.mktemp("sentences")
    with ThreadPoolExecutor(len(SENTENCES)) as pool:
        runs = {
            name: pool.submit(nbval, write(folder / f"{name}.ipynb", *cells), folder, timeout)
            for name, (cells, timeout, _) in SENTENCES.items()
        }
        return {name: run.result() for name, run in runs.items()}


@pytest.mark.parametrize("name", SENTENCES)
def test_a_sentence_for_each_fault(outcomes: dict[str, room.Outcome], name: str) -> None:
    assert [str(failure) for failure in outcomes[name].failures] == SENTENCES[name][2]
    assert outcomes[name].ok == (not SENTENCES[name][2])


def test_a_cell_is_named_by_grade_id_else_id_else_number(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", cell("graded", "1/0"), new_code_cell("1/0", id="plain"), new_code_cell("1/0"))
    notebook = nbformat.read(path, 4)
    notebook.nbformat_minor = 4
    at(notebook, "graded").id = "other"
    del notebook.cells[2]["id"]
    path.write_text(json.dumps(notebook))
    assert [failure.cell for failure in nbval(path, tmp_path, 5).failures] == ["graded", "plain", "3"]


def test_no_notebook(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_text("no")
    for path in (tmp_path / "a.ipynb", tmp_path / "b.ipynb"):
        assert nbval(path, tmp_path).failures == (
            room.Failure("", "the notebook could not run: it is not a notebook."),
        )


def test_the_kernel_is_started_by_the_provisioner_that_jupyter_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_DEFAULT_PROVISIONER_NAME", "no-such-sandbox")
    (failure,) = nbval(write(tmp_path / "a.ipynb", cell("a", "1"), cell("b", "2")), tmp_path).failures
    said = "ModuleNotFoundError: Kernel provisioner 'no-such-sandbox' has not been registered."
    assert failure == room.Failure("", f"the notebook could not run: {said}")


def test_a_kernel_that_died_at_its_start_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = [room.Failure("", "the notebook could not run: RuntimeError: Kernel died before replying to kernel_info")]
    ends: list[list[room.Failure]] = [dead, [], dead, dead, dead, []]
    monkeypatch.setattr(room, "_run", lambda *_: ends.pop(0))
    path = write(tmp_path / "a.ipynb", cell("a", "1"))
    assert nbval(path, tmp_path).ok
    assert nbval(path, tmp_path).failures == tuple(dead)
    assert ends == [[]]


def test_pytest_that_cannot_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "NBVAL", "--no-such-option")
    (failure,) = nbval(write(tmp_path / "a.ipynb", cell("a", "1")), tmp_path).failures
    assert failure == room.Failure("", "the notebook could not run: pytest ended with 4.")


def test_a_notebook_has_a_time_limit_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "SPARE_SECONDS", 1)
    path = write(tmp_path / "a.ipynb", cell("a", DAEMON), cell("b", STUBBORN), cell("c", "1"))
    begun = time.monotonic()
    (failure,) = nbval(path, tmp_path, 1).failures
    assert str(failure) == "the notebook still ran when 4 s were over."
    assert time.monotonic() - begun < 8
    assert left_behind() == []


def test_nothing_is_left_when_the_grader_is_killed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", cell("a", f"{DAEMON}\nopen('begun', 'w')\n{STUBBORN}"))
    code = f"from pathlib import Path as P; from autograder.reproduce import nbval; nbval(P({str(path)!r}), P('.'))"
    grader = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=os.environ | {"TMPDIR": str(tmp_path)})
    wait_for((tmp_path / "begun").exists)
    assert left_behind() != []
    grader.send_signal(signal.SIGKILL)
    grader.wait()
    wait_for(lambda: not left_behind())


def wait_for(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)


# validate


def test_validate_runs_source_and_released_notebooks(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    before = contents(course.root)
    found = validate(course)
    assert [(str(path.relative_to(course.root)), outcome.ok) for path, outcome in found] == [
        ("solutions/toy/a.ipynb", True),
        ("notebooks/toy/a.ipynb", True),
    ]
    assert contents(course.root) == before


def test_validate_names_what_is_wrong(tmp_path: Path) -> None:
    course = make_course(tmp_path)
    write(tmp_path / "notebooks/toy/a.ipynb", cell("setup", "from helper import four"))
    (_, source), (_, released) = validate(course, "toy")
    assert [str(failure) for failure in source.failures] == [
        f"cell {name} is marked nbval-check-output but has no stored output; run `make outputs`."
        for name in ("shape", "sum", "twice", "list")
    ]
    assert [failure.cell for failure in released.failures] == ["setup"]
    assert str(released.failures[0]).startswith(
        "cell setup raises ImportError: cannot import name 'four' from 'helper'"
    )


BAD_COURSES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no release": (
        lambda root: shutil.rmtree(root / "notebooks"),
        "notebooks/toy: nothing is released yet; run `make release`.",
    ),
    "half a release": (
        lambda root: (root / "notebooks/toy/a.ipynb").unlink(),
        "notebooks/toy: a.ipynb is not released; run `make release`.",
    ),
    "a broken source": (
        lambda root: (root / "solutions/toy/a.ipynb").write_text("{"),
        "solutions/toy/a.ipynb: not a notebook (NotJSONError); put one there.",
    ),
}


@pytest.mark.parametrize("fault", BAD_COURSES)
def test_validate_says_what_is_missing(tmp_path: Path, fault: str) -> None:
    course = make_course(tmp_path)
    spoil, sentence = BAD_COURSES[fault]
    spoil(tmp_path)
    with pytest.raises(CourseError) as caught:
        validate(course)
    assert str(caught.value) == f"{tmp_path}/{sentence}"


def test_bad_names(tmp_path: Path) -> None:
    course = make_course(tmp_path)
    for ask in (validate, refresh):
        with pytest.raises(CourseError, match=r"/solutions: no assignment 'tow'; there are: toy\.$"):
            ask(course, "tow")
    with pytest.raises(CourseError, match=r"/solutions/toy: no notebook 'b'; there are: a\.$"):
        refresh(course, "toy", "b")
    with pytest.raises(CourseError, match=r"/solutions: no assignment 'tow'; there are: toy\.$"):
        reproduce(course, "tow")
    with pytest.raises(CourseError, match=r"/submitted/<student>/toy: no submissions here; put each student's"):
        reproduce(course, "toy")
    shutil.rmtree(tmp_path / "notebooks")
    with pytest.raises(CourseError, match=r"/notebooks/toy: nothing is released yet; run `make release`\.$"):
        reproduce(course, "toy")


# refresh


def test_refresh_keeps_marked_outputs_and_nothing_else(course: Course) -> None:
    notebook = master(course)
    assert {each.id: (each.execution_count, bool(each.outputs)) for each in room._code(notebook)} == {
        "setup": (None, False),
        "guess": (None, False),
        "shape": (3, True),
        "sum": (4, True),
        "twice": (5, True),
        "list": (6, True),
        "free": (None, False),
    }
    assert at(notebook, "shape").outputs == [new_output("stream", name="stdout", text="3 Ellipsis\n")]
    assert notebook.metadata == {"language_info": {"name": "python"}}
    assert all("execution" not in each.metadata for each in notebook.cells)


def test_refresh_gives_the_same_bytes_again(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    path = course.root / "solutions/toy/a.ipynb"
    before = path.read_bytes()
    for name, value in {"COLUMNS": "30", "NO_COLOR": "1", "NBGRADER_EXECUTION": "validate"}.items():
        monkeypatch.setenv(name, value)
    refresh(course, notebook="a.ipynb")
    assert path.read_bytes() == before
    assert before.endswith(b"}\n")


FAULTS = {
    "raise ValueError('one\\ntwo')": "raises ValueError: one",
    "raise OSError": "raises OSError",
    "import os; print(os.environ['COLUMNS'])": "raises KeyError: 'COLUMNS'",
    "import time; time.sleep(60)": "timed out after 1 s",
    "import os; os._exit(1)": "ended its kernel",
}


@pytest.mark.parametrize("source", FAULTS)
def test_refresh_leaves_a_failing_notebook_as_it_was(tmp_path: Path, source: str) -> None:
    course = make_course(tmp_path)
    path = write(tmp_path / "solutions/toy/a.ipynb", marked("a", "print(1)"), marked("b", source))
    before = contents(tmp_path)
    with pytest.raises(CourseError) as caught:
        refresh(course, timeout=1)
    assert str(caught.value) == f"{path}: cell b {FAULTS[source]}; mend it (the file is as it was)."
    assert contents(tmp_path) == before
    wait_for(lambda: not left_behind())


def test_refresh_without_a_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    course = make_course(tmp_path)
    monkeypatch.setattr(sys, "executable", shutil.which("true"))
    with pytest.raises(CourseError, match=r"/solutions/toy/a.ipynb: its kernel did not start \(.*\); try again\.$"):
        refresh(course)


# TensorFlow


@pytest.mark.kernel
def test_a_real_notebook(tmp_path: Path) -> None:
    (tmp_path / "nbgrader_config.py").write_text(CONFIG)
    for step in ("solutions", "notebooks"):
        (tmp_path / step / "rnn_shapes").mkdir(parents=True)
        for name in ("3_gru.ipynb", "shapes.py"):
            shutil.copy(ROOT / "solutions/rnn_shapes" / name, tmp_path / step / "rnn_shapes")
    course, solution = Course.at(tmp_path), tmp_path / "solutions/rnn_shapes/3_gru.ipynb"
    refresh(course)
    handed_in = tmp_path / "submitted/s1/rnn_shapes/3_gru.ipynb"
    handed_in.parent.mkdir(parents=True)
    handed_in.write_text(solution.read_text().replace("reset_after=False: 54", "reset_after=False: 63"))
    assert reproduce(course, "rnn_shapes") == {"s1": "no: 3_gru/parameters"}  # and the model's summary is the same
