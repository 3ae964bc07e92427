"""A class through a crew: what is run and what is not, in which order, how much at a time, and how it is stopped.

Most tests have a crew whose work is to look a verdict up, so that they are about the class alone.
"""

import copy
import dataclasses
import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde
from rich.console import Console

from autograder.cli import terminal
from autograder.cli.main import main
from autograder.course.course import Course
from autograder.course.limits import Limits
from autograder.errors import CourseError, UsageError
from autograder.files import replace_folder
from autograder.gradebook import recorder, source_assignment
from autograder.gradebook.ledger import Ledger
from autograder.gradebook.lock import grading_lock
from autograder.gradebook.queries import table
from autograder.gradebook.source_assignment import SourceAssignment
from autograder.grading import class_run as grading
from autograder.grading.class_run import LINKED, ClassRun
from autograder.grading.nbgrader_converter import CheckedAutograde
from autograder.grading.notebook_grader import notebook_graders
from autograder.grading.pipeline import given_up, grade_submission
from autograder.grading.workers import WorkerPool, default_jobs
from autograder.model import Assignment, NotebookResult, Outcome, Reason, Result, Submission, Verdict
from autograder.notebook.variants import teaching_copy
from autograder.release.release import release
from autograder.tests.harness.small_class import (
    Watched,
    hand_in,
    judged,
    new_helper,
    new_version,
    nothing_proved,
    run,
)
from autograder.tests.support import END_TIMEOUT

pytestmark = pytest.mark.xdist_group("plain")


def _marks(course: Course) -> dict[str, float | None]:
    return {row.student: row.marks["x"] for row in table(course, "ps1").rows}


# --- what is run again --------------------------------------------------------------------------------------------


def test_what_is_unchanged_is_not_run_again(graded: Course) -> None:
    told: list[tuple[str, str]] = []
    seen, statuses = run(graded, progress=lambda *said: told.append(said))
    assert seen == []
    assert told == [("ada", "unchanged"), ("bob", "unchanged"), ("cy", "unchanged")]
    assert statuses == {"ada": "", "bob": "", "cy": ""}


def test_a_changed_or_new_submission_is_run(graded: Course) -> None:
    hand_in(graded, bob="right", dan="right")
    seen, _ = run(graded)
    assert seen == ["bob", "dan"]
    assert _marks(graded) == {"ada": 2, "bob": 2, "cy": 0, "dan": 2}


def test_another_file_beside_the_notebook_is_a_change(graded: Course) -> None:
    (graded.folder("submitted", "ps1", "ada") / "lab.py").write_text("y = 1")
    assert run(graded)[0] == ["ada"]


def test_a_linked_submission_is_left_out(graded: Course, caplog: pytest.LogCaptureFixture) -> None:
    shutil.move(graded.root / "submitted" / "bob", graded.root / "elsewhere")
    (graded.root / "submitted" / "bob").symlink_to(graded.root / "elsewhere")
    (graded.root / "submitted" / "dan").mkdir()
    (graded.root / "submitted" / "dan" / "ps1").symlink_to(graded.folder("submitted", "ps1", "ada"))
    _, statuses = run(graded, force=True)
    assert list(statuses) == ["ada", "cy"]
    assert caplog.messages == [f"{student}: {LINKED}" for student in ("bob", "dan")]
    with pytest.raises(UsageError, match="bob: a link leads to this submission"):
        run(graded, students=["bob"])


def test_a_course_whose_folder_of_submissions_is_a_link(graded: Course) -> None:
    shutil.move(graded.root / "submitted", graded.root.with_name("disk"))
    (graded.root / "submitted").symlink_to(graded.root.with_name("disk"))
    assert list(run(graded)[1]) == ["ada", "bob", "cy"]


def test_a_class_is_large_if_many_were_never_graded(graded: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    many, said = len(graded.students("ps1")), list[bool]()

    @contextmanager
    def closing(report: Path, large: bool) -> Iterator[None]:
        said.append(large)
        yield

    monkeypatch.setattr(grading, "closing_checkpoints", closing)
    for worth, force in ((many, True), (many + 1, True), (1, False)):
        monkeypatch.setattr(grading, "WORTHWHILE", worth)
        run(graded, force=force)
    hand_in(graded, dan="right")
    run(graded)
    assert said == [True, False, False, True]


def test_force_runs_all(graded: Course) -> None:
    assert sorted(run(graded, force=True)[0]) == ["ada", "bob", "cy"]


@pytest.mark.kernel
def test_force_by_command(course: Course, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(course.folder("release", "ps1"), course.folder("submitted", "ps1", "ada"))
    grade, unchanged = ["--course", str(course.root), "grade", "--student", "ada"], "1 unchanged, not run again"
    said = []
    for options in ([], [], ["--force"]):
        assert main([*grade, *options]) == 0
        said.append(capsys.readouterr().out)
    assert ["grading: ada done" in one.splitlines() for one in said] == [True, False, True]
    assert [f"grading: {unchanged} (--force runs all)" in one.splitlines() for one in said] == [False, True, False]


@pytest.mark.parametrize("said", ["slow", "loud", "ours"])
def test_what_another_run_may_better_is_run_again(said: str, graded: Course) -> None:
    hand_in(graded, bob=said)
    run(graded)
    assert set(run(graded)[0]) == {"bob"}


FINAL = [
    (Verdict("x-test", Outcome.NO_EVIDENCE, 0.0, "no x.", Reason.MISSING, subject="x"), True, "NameError"),
    (
        Verdict("x-test", Outcome.NO_EVIDENCE, 0.0, "an object.", Reason.NOT_PLAIN_DATA, detail=("object", "Yes")),
        True,
        "",
    ),
    (Verdict("x-test", Outcome.NO_EVIDENCE, 0.0, "cut off.", Reason.DAMAGED), False, ""),
]
NOT_FINAL = [
    (Verdict("x-test", Outcome.NO_EVIDENCE, 0.0, "no x.", Reason.MISSING, subject="x"), True, "ModuleNotFoundError"),
    (Verdict("x-test", Outcome.NO_EVIDENCE, 0.0, "no x.", Reason.MISSING, subject="x"), True, "MemoryError"),
    (Verdict("x-test", Outcome.NO_EVIDENCE, 0.0, "no x.", Reason.RAISED, detail=("OSError", "", "")), True, ""),
    (Verdict("x-test", Outcome.NO_EVIDENCE, 0.0, "no pandas.", Reason.NOT_PLAIN_DATA, detail=("pandas", "")), True, ""),
    (Verdict("x-test", Outcome.NO_EVIDENCE, 0.0, "no answer.", Reason.DAMAGED), True, ""),
]


@pytest.mark.parametrize(("verdict", "ran", "raised"), [*FINAL, *NOT_FINAL])
def test_without_evidence_only_what_may_change_is_run_again(
    verdict: Verdict, ran: bool, raised: str, graded: Course
) -> None:
    def work(submission: Submission, assignment: Assignment, limits: Limits) -> Result:
        ((name, content),) = assignment.notebooks
        notebook = nbformat.reads(content.decode(), 4)
        notebook.cells[0].outputs = [nbformat.v4.new_output("error", ename=raised, evalue="", traceback=[])]
        content = nbformat.writes(notebook).encode()
        return Result(submission.student, (NotebookResult(name, content, (verdict,), frozenset(), ran=ran),))

    hand_in(graded, bob="changed")
    assert run(graded, work)[0] == ["bob"]
    assert run(graded, work)[0] == (["bob"] if (verdict, ran, raised) in NOT_FINAL else [])


def _new_master(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    path = course.source_notebooks("ps1")[0]
    notebook = nbformat.read(path, 4)
    notebook.cells[1].source = notebook.cells[1].source.replace("42", "43")
    nbformat.write(notebook, path)


def _no_gradebook(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    (course.root / "gradebook.db").unlink()


def _no_autograded_files(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(course.root / "autograded")


def _no_ledger(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(course.root / "reports")


CHANGES = [_new_master, new_helper, new_version, _no_gradebook, _no_autograded_files, _no_ledger]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__.strip("_"))
def test_what_else_marks_depend_on(change: Any, graded: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    change(graded, monkeypatch)
    assert sorted(run(graded)[0]) == ["ada", "bob", "cy"]
    assert run(graded)[0] == []


def test_other_limits_run_all(graded: Course) -> None:
    assert sorted(run(graded, limits=Limits(cell_seconds=5))[0]) == ["ada", "bob", "cy"]
    assert run(graded, limits=Limits(cell_seconds=5))[0] == []


def test_the_shape_of_the_sandbox_runs_none_but_having_none_runs_all(graded: Course) -> None:
    assert run(graded, limits=Limits(sandbox="cold"))[0] == []
    assert sorted(run(graded, limits=Limits(sandbox="none"))[0]) == ["ada", "bob", "cy"]


def test_what_nbgrader_has_graded_since_is_run_again(graded: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Autograde, "init_assignment", lambda *_: None)
    converter = CheckedAutograde(coursedir=graded.directory)
    converter.repairs = ()
    converter.init_assignment("ps1", "bob")
    assert run(graded)[0] == ["bob"]


def test_a_kill_while_an_unchanged_submission_is_forced_leaves_no_entry_that_counts(
    graded: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise SystemExit(9)

    with monkeypatch.context() as patch:
        patch.setattr(recorder, "replace_folder", die)
        with pytest.raises(SystemExit):
            run(graded, students=["ada"], force=True)
    assert Ledger(graded, "ps1").of("ada")["fingerprint"] == ""
    assert run(graded)[0] == ["ada"]


def test_marks_by_hand_survive_and_penalties_follow_them(graded: Course) -> None:
    (graded.folder("submitted", "ps1", "ada") / "timestamp.txt").write_text("2027-02-01 09:00 UTC")  # a day late
    run(graded)
    with Gradebook(graded.directory.db_url, graded.directory.course_id) as book:
        mark = book.find_grade("x-test", "one", "ps1", "ada")
        mark.manual_score = 1.0
        book.db.commit()
    assert run(graded)[0] == []
    assert _marks(graded)["ada"] == 1.0
    assert {row.student: row.score for row in table(graded, "ps1").rows}["ada"] == pytest.approx(0.9)
    assert sorted(run(graded, force=True)[0]) == ["ada", "bob", "cy"]
    assert _marks(graded)["ada"] == 1.0


# --- how much at a time -------------------------------------------------------------------------------------------


def test_a_class_of_any_size_is_held_a_few_at_a_time(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    hand_in(course, **{f"s{number:02}": "right" for number in range(30)})
    alive: weakref.WeakSet[Submission] = weakref.WeakSet()
    results: weakref.WeakSet[Result] = weakref.WeakSet()
    counts = []

    def made(*arguments: Any) -> Submission:
        alive.add(submission := Submission(*arguments))
        counts.append((len(alive), len(results)))
        return submission

    def work(submission: Submission, assignment: Assignment, limits: Limits) -> Result:
        results.add(result := judged(submission, assignment, limits))
        return result

    monkeypatch.setattr(Submission, "__hash__", object.__hash__)
    monkeypatch.setattr(grading, "Submission", made)
    watched = Watched(work)
    run(course, watched, jobs=3)
    assert len(set(watched.seen)) == 30
    assert watched.most <= 3
    places = 3 * 2
    assert max(held for held, _ in counts) <= places + 1
    assert max(held for _, held in counts) <= places + 1
    assert len(counts) == 30


def test_the_counts_of_those_at_work(course: Course) -> None:
    hand_in(course, **{f"s{number:02}": "right" for number in range(8)})
    counts: list[int] = []
    run(course, busy=counts.append)
    assert max(counts) == 2
    assert counts[-1] == 0


def test_jobs_by_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {}
    for cores in (1, 2, 16):
        monkeypatch.setattr(os, "sched_getaffinity", lambda _, cores=cores: set(range(cores)))
        found[cores] = default_jobs()
    assert found == {1: 2, 2: 4, 16: 20}


# --- once more, alone ---------------------------------------------------------------------------------------------


def _first_then(first: str, then: str) -> Any:
    """Work that gives one verdict the first time it is done for a student, and another after."""
    met: set[str] = set()

    def work(submission: Submission, assignment: Assignment, limits: Limits) -> Result:
        files = submission.files
        if submission.files["one.ipynb"] == b"busy":
            files = {"one.ipynb": (then if submission.student in met else first).encode()}
            met.add(submission.student)
        return judged(Submission(submission.student, files), assignment, limits)

    return work


@pytest.mark.parametrize(("then", "mark", "status"), [("right", 2, ""), ("slow", 0, "timeout")])
def test_a_timeout_is_tried_once_more_alone(then: str, mark: float, status: str, course: Course) -> None:
    hand_in(course, ada="busy", bob="right", cy="busy", dan="right", eve="wrong")
    watched, noted = Watched(_first_then("slow", then)), []
    seen, statuses = run(course, watched, progress=lambda student, said: noted.append(student))
    assert sorted(seen[:5]) == ["ada", "bob", "cy", "dan", "eve"]
    assert sorted(seen[5:]) == ["ada", "cy"], "each once more, when all others are done"
    assert watched.beside["ada"] == watched.beside["cy"] == 0
    assert sorted(noted[:3]) == ["bob", "dan", "eve"], "it does not count before"
    assert (statuses["ada"], statuses["cy"]) == (status, status)
    assert _marks(course) == {"ada": mark, "bob": 2, "cy": mark, "dan": 2, "eve": 0}


def test_other_reasons_can_be_put_off_as_well(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    hand_in(course, ada="busy")
    assert run(course, _first_then("ours", "right"))[0] == ["ada"]
    assert run(course, _first_then("loud", "right"))[0] == ["ada", "ada"], "others may have caused it"
    hand_in(course, ada="busy", bob="right")
    monkeypatch.setattr(grading, "RETRIED_ALONE", frozenset({"crash"}))
    assert run(course, _first_then("crashed", "right"), force=True)[0] == ["ada", "bob", "ada"]


# --- what is loaded -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [True, False], ids=["known to the gradebook", "a fresh checkout"])
def test_each_source_notebook_is_converted_once_in_a_run(
    known: bool, course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_in(course, ada="right", bob="wrong")
    two = course.folder("source", "ps1") / "two.ipynb"
    notebook = nbformat.read(course.source_notebooks("ps1")[0], 4)
    for cell in notebook.cells:
        cell.metadata.nbgrader.grade_id = cell.id = f"{cell.id}-2"
    nbformat.write(notebook, two)
    (course.root / "gradebook.db").unlink()
    if known:
        release(course, "ps1")
    converted = []

    def counted(source: nbformat.NotebookNode, *about: Any) -> nbformat.NotebookNode:
        converted.append(source.cells[0].id)
        return teaching_copy(source, *about)

    def work(submission: Submission, assignment: Assignment, limits: Limits) -> Result:
        results = [judged(submission, Assignment((each,), ())) for each in assignment.notebooks]
        verdicts = (replace(results[1].notebooks[0].verdicts[0], cell="x-test-2"),)
        notebooks = (results[0].notebooks[0], replace(results[1].notebooks[0], verdicts=verdicts))
        return Result(submission.student, notebooks)

    monkeypatch.setattr(source_assignment, "teaching_copy", counted)
    assert run(course, work)[1] == {"ada": "", "bob": ""}
    assert converted == ["x", "x-2"]


# --- what fails ---------------------------------------------------------------------------------------------------


def test_a_worker_that_fails_leaves_all_marks_of_its_submission_open(
    course: Course, caplog: pytest.LogCaptureFixture
) -> None:
    def work(submission: Submission, assignment: Assignment, limits: Limits) -> Result:
        if submission.student == "bob":
            raise OSError("no space left")
        return judged(submission, assignment, limits)

    hand_in(course, ada="right", bob="right", cy="right")
    _, statuses = run(course, work)
    assert statuses == {"ada": "", "bob": "grader-error", "cy": ""}
    (row,) = [row for row in table(course, "ps1").rows if row.student == "bob"]
    assert set(row.marks.values()) == {None}
    shown = (course.folder("autograded", "ps1", "bob") / "one.ipynb").read_text()
    assert "the grader failed (OSError: no space left)." in shown
    assert "Traceback" not in shown
    trace = course.root / "reports" / "ps1" / "bob.log"
    assert caplog.messages == [f"bob: the grader failed on one, so marks are missing; see {trace}."]
    assert "in work\n" in trace.read_text()
    assert run(course)[0] == ["bob"]
    assert not trace.exists(), "it is graded without a fault now"


def test_a_worker_without_the_package(course: Course) -> None:
    def work(submission: Submission, assignment: Assignment, limits: Limits) -> Result:
        raise ModuleNotFoundError("No module named 'autograder'")

    hand_in(course, ada="right")
    said = r"a worker cannot import what it needs \(No module named 'autograder'\); install autograder there\."
    with pytest.raises(CourseError, match=f"^{said}$"):
        run(course, work)


def _exit(*_: object) -> Result:
    os._exit(1)


def test_an_executor_that_breaks(course: Course) -> None:
    """Any executor will do, and one that breaks is said to."""
    hand_in(course, ada="right", bob="right", cy="right", dan="right")
    with ProcessPoolExecutor(1) as pool, nothing_proved():
        assert ClassRun(course, "ps1", ["ada"], executor=WorkerPool(pool, 1, judged), limits=Limits()).grade() == {
            "ada": ""
        }
    with ProcessPoolExecutor(1) as pool, nothing_proved(), pytest.raises(CourseError) as raised:
        ClassRun(course, "ps1", executor=WorkerPool(pool, 1, _exit), limits=Limits()).grade()
    assert str(raised.value) == "lost the workers; run grade again to resume."
    assert _marks(course) == {"ada": 2}


# --- one at a time ------------------------------------------------------------------------------------------------

HOLDER = "import sys\nfrom pathlib import Path\nfrom autograder.gradebook.lock import grading_lock\n"
HOLDER += "with grading_lock(Path(sys.argv[1])):\n    print('held', flush=True)\n    sys.stdin.read()\n"


@pytest.mark.kernel
def test_a_second_process_on_the_same_course(graded: Course, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [sys.executable, "-c", HOLDER, str(graded.root)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert main(["--course", str(graded.root), "grade"]) == 1
        error = capsys.readouterr().err
        who = f"process {holder.pid} on {os.uname().nodename}"
        assert error == (
            f"autograder: {graded.root}: this course is already being graded by {who}; "
            "wait until it has finished, or stop it.\n"
        )
        holder.kill()
        holder.wait()
        assert run(graded)[0] == [], "the lock has ended with its process"


def test_the_lock_leaves_no_file(graded: Course) -> None:
    assert not list(graded.root.glob("*.lock"))
    with pytest.raises(ValueError, match="oops"), grading_lock(graded.root):
        raise ValueError("oops")
    assert not list(graded.root.glob("*.lock"))


# --- stopped ------------------------------------------------------------------------------------------------------


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A shell's background job ignores interrupts, one of nohup ignores SIGHUP, and so does all that it starts."""
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
        signal.SIGHUP: signal.signal(signal.SIGHUP, signal.SIG_DFL),
    }
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("interruptible")
def test_a_stop_does_not_break_a_recording_in_two(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    hand_in(course, ada="right", bob="right")
    replace = replace_folder

    def stopped(*places: Path) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        replace(*places)

    with monkeypatch.context() as patch:
        patch.setattr(recorder, "replace_folder", stopped)
        with pytest.raises(KeyboardInterrupt):
            run(course, jobs=1)
    assert _marks(course) == {"ada": 2}
    assert run(course)[0] == ["bob"]


class Held(Executor):
    """An executor that never begins."""

    def __init__(self) -> None:
        self.futures: list[Future[Any]] = []

    def submit(self, *_: Any, **__: Any) -> Future[Any]:
        self.futures.append(Future())
        return self.futures[-1]


def test_a_stop_cancels_what_has_not_begun(course: Course) -> None:
    hand_in(course, ada="right", bob="right")
    held = Held()

    def busy(count: int) -> None:
        raise KeyboardInterrupt

    with nothing_proved(), pytest.raises(KeyboardInterrupt):
        ClassRun(course, "ps1", executor=held, jobs=1, busy=busy, limits=Limits()).grade()
    assert [future.cancelled() for future in held.futures] == [True, True]


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.kernel
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("order", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_what_is_done_is_kept_and_a_second_run_continues(
    order: signal.Signals, course: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    released = nbformat.read(course.root / "release" / "ps1" / "one.ipynb", 4)

    def answer(student: str, source: str) -> None:
        released.cells[0].source = source
        hand_in(course, **{student: nbformat.writes(released)})

    answer("ada", "x = 42")
    answer("bob", "import signal\nsignal.signal(2, signal.SIG_IGN)\nwhile True: pass")
    answer("cy", "x = 41")
    with tempfile.TemporaryDirectory(prefix="s-") as scratch:
        command = [sys.executable, "-m", "autograder.cli", "--course", str(course.root), "grade", "--jobs", "1"]
        options: dict[str, Any] = {"text": True, "env": {**os.environ, "TMPDIR": scratch}}
        group: dict[str, Any] = {"start_new_session": True}  # Ctrl-C in a terminal reaches all processes of its group
        first = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options, **group)
        assert first.stdout is not None
        assert first.stdout.readline() == "proving the tests of one\n"
        assert first.stdout.readline() == "grading: ada done\n"
        started = psutil.Process(first.pid).children(recursive=True)
        if order is signal.SIGINT:
            os.killpg(first.pid, order)
        else:
            first.send_signal(order)
        out, error = first.communicate()
        if order is signal.SIGKILL:
            assert first.returncode == -order
            assert psutil.wait_procs(started, timeout=END_TIMEOUT)[1] == []
            assert list(Path(scratch).iterdir())
        else:
            said = "autograder: stopped; results up to this point were saved.\n"
            assert (first.returncode, out, error) == (130, "", said)
            assert not [process for process in started if _is_alive(process)]
            assert list(Path(scratch).iterdir()) == []
            assert not (course.root / "gradebook.lock").exists()
        assert _marks(course) == {"ada": 2}
        answer("bob", "x = 21")
        if order is signal.SIGKILL:  # a new process also removes what the killed one has left
            second = subprocess.run(command, capture_output=True, check=False, **options)
            status, out, error = second.returncode, second.stdout, second.stderr
            assert list(Path(scratch).iterdir()) == []
        else:  # all that is left is the course
            status = main(command[command.index("--course") :])
            out, error = capsys.readouterr()
    assert out.splitlines()[:3] == [
        "grading: bob done",
        "grading: cy done",
        "grading: 1 unchanged, not run again (--force runs all)",
    ]
    assert (status, error) == (0, "")
    assert _marks(course) == {"ada": 2, "bob": 1, "cy": 0}


# --- what is shown ------------------------------------------------------------------------------------------------


def test_a_bar_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(terminal, "console", Console(file=screen, force_terminal=True, width=100, highlight=False))
    with terminal.class_progress("grading", 5) as bar:
        bar("ada", "")
        bar("bob", "timeout")
        bar("cy", "unchanged")
        bar.busy(2)
    assert "3 of 5 done, 2 running, 1 failed, time left" in screen.getvalue()
    assert screen.getvalue().endswith("grading: 1 unchanged, not run again (--force runs all)\n")


def test_lines_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    with terminal.class_progress("grading", 3) as bar:
        bar.busy(2)
        bar("ada", "")
        bar("bob", "timeout")
        bar("cy", "unchanged")
    assert capsys.readouterr().out.splitlines() == [
        "grading: ada done",
        "grading: bob timeout",
        "grading: 1 unchanged, not run again (--force runs all)",
    ]


@pytest.mark.parametrize("count", ["0", "-3", "many"])
def test_jobs_are_counted(count: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["grade", f"--jobs={count}"])
    assert f"{count!r} is not a number of jobs" in capsys.readouterr().err


def test_jobs_are_the_schedulers_business_where_there_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["grade", "--jobs=2", "--scheduler=tcp://127.0.0.1:8786"])
    assert "argument --scheduler: not allowed with argument --jobs" in capsys.readouterr().err


@pytest.mark.kernel
def test_graders_are_set_up_once_for_a_class_and_stay_as_they_are(course: Course) -> None:
    assignment = SourceAssignment.load(course, "ps1").packed()
    graders = notebook_graders(assignment)
    assert notebook_graders(dataclasses.replace(assignment)) is graders
    before = copy.deepcopy([grader.source_notebook for grader in graders])
    notebook = nbformat.from_dict(before[0])
    notebook.cells[0].source = "x = 42"
    assert (
        grade_submission(Submission("ada", {"one.ipynb": nbformat.writes(notebook).encode()}), assignment).status == ""
    )
    assert grade_submission(Submission("bob", {}), assignment).status == "missing"
    assert given_up("cy", assignment, OSError("no space left")).status == "grader-error"
    assert [grader.source_notebook for grader in graders] == before
