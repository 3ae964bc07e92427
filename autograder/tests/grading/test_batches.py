"""Results that are done at the same time: they are recorded in one transaction, and one that fails costs no other."""

from concurrent.futures import CancelledError, Executor, Future
from dataclasses import replace
from typing import Any

import pytest

from autograder.course.course import Course
from autograder.course.limits import Limits
from autograder.errors import CourseError
from autograder.gradebook.queries import table
from autograder.gradebook.recorder import Graded, Recorder
from autograder.grading.class_run import ClassRun
from autograder.grading.dispatch import MAX_BATCH
from autograder.grading.workers import WorkerPool
from autograder.model import Assignment, Result, Submission
from autograder.tests.harness.small_class import hand_in, judged, nothing_proved

pytestmark = pytest.mark.xdist_group("plain")
MANY = {f"s{number:02}": "right" for number in range(20)}


class AtOnce(Executor):
    """An executor whose work is done at the moment when it is submitted."""

    def submit(self, work: Any, /, *arguments: Any, **named: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(work(*arguments, **named))
        except CancelledError as error:
            future.set_exception(error)
        return future


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The students of each batch."""
    batches: list[list[str]] = []
    plain = Recorder.record_all

    def record_all(recorder: Recorder, batch: list[Graded]) -> dict[str, Exception]:
        if batch:
            batches.append([graded.result.student for graded in batch])
        return plain(recorder, batch)

    monkeypatch.setattr(Recorder, "record_all", record_all)
    return batches


def _run(course: Course, jobs: int, work: Any = judged, **options: Any) -> ClassRun:
    return ClassRun(course, "ps1", executor=WorkerPool(AtOnce(), jobs, work), limits=Limits(), **options)


def _marks(course: Course) -> dict[str, float | None]:
    return {row.student: row.marks["x"] for row in table(course, "ps1").rows}


@pytest.mark.parametrize(("jobs", "sizes"), [(1, [2] * 10), (3, [6, 6, 6, 2]), (6, [MAX_BATCH, 4, MAX_BATCH])])
def test_what_is_done_at_the_same_time_is_one_batch(
    jobs: int, sizes: list[int], course: Course, recorded: list[list[str]]
) -> None:
    hand_in(course, **MANY)
    noted: list[str] = []
    with nothing_proved():
        _run(course, jobs, progress=lambda student, status: noted.append(student)).grade()
    assert [len(batch) for batch in recorded] == sizes
    assert noted == [student for batch in recorded for student in batch], "progress is in the order of recording"
    assert _marks(course) == dict.fromkeys(MANY, 2.0)


def test_a_review_is_recorded_in_batches(course: Course, recorded: list[list[str]]) -> None:
    hand_in(course, **MANY)
    with nothing_proved():
        run = _run(course, 1)
        with run.review():
            assert recorded == []
            run.commit()
    assert recorded == [list(MANY)[:8], list(MANY)[8:16], list(MANY)[16:]]
    assert _marks(course) == dict.fromkeys(MANY, 2.0)


def test_a_result_that_cannot_be_recorded_stops_the_run_after_the_others_of_its_batch(course: Course) -> None:
    def work(submission: Submission, assignment: Assignment, limits: Limits) -> Result:
        result = judged(submission, assignment, limits)
        unknown = replace(result, notebooks=(replace(result.notebooks[0], name="other"),))
        return unknown if submission.student == "bob" else result

    hand_in(course, ada="right", bob="right", cy="wrong", dan="right")
    noted: list[str] = []
    with nothing_proved(), pytest.raises(CourseError, match="other: not in the gradebook"):
        _run(course, 2, work, progress=lambda student, status: noted.append(student)).grade()
    assert _marks(course) == {"ada": 2, "cy": 0, "dan": 2}
    assert sorted(noted) == ["ada", "cy", "dan"]


def test_results_that_are_there_when_the_workers_are_lost_are_recorded(course: Course) -> None:
    def work(submission: Submission, assignment: Assignment, limits: Limits) -> Result:
        if submission.student == "bob":
            raise CancelledError
        return judged(submission, assignment, limits)

    hand_in(course, ada="right", bob="right", cy="wrong", dan="right")
    with nothing_proved(), pytest.raises(CourseError, match="lost the workers"):
        _run(course, 2, work).grade()
    assert _marks(course) == {"ada": 2, "cy": 0, "dan": 2}
