"""Make classes to grade, in which every student gives right answers."""

import shutil
from pathlib import Path

from nbgrader.api import Gradebook

from autograder.course.course import CONFIG, Course
from autograder.errors import CourseError
from autograder.rnn.sample_answers import SAMPLES
from autograder.rnn.sample_class import ASSIGNMENT, SampleStudent, make_course

FULL = 24.0  # points that right answers get automatically
GRADEBOOK = "gradebook.db"
WRITINGS = 2  # ways to write a right answer, which the students use in turn: typed, computed

SETTINGS = """c = get_config()
c.CourseDirectory.course_id = "rnn"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "notebooks"
"""


def make_right(course: Course, folder: Path, students: int) -> Course:
    """Make a course folder with a released assignment and a class whose answers are all right."""
    answers = [{name: samples[way].code for name, samples in SAMPLES.items()} for way in range(WRITINGS)]
    return make_course(
        course, folder, {f"student{i:06}": SampleStudent(answers[i % WRITINGS]) for i in range(students)}
    )


def part_of(course: Course, folder: Path, students: int, settings: str = "") -> Course:
    """Copy the course with only its first `students`; `settings` replaces its config unless empty."""
    folder.mkdir(parents=True)
    for name in (course.directory.source_directory, course.directory.release_directory):
        shutil.copytree(course.root / name, folder / name)
    for name in (CONFIG, GRADEBOOK):
        shutil.copy(course.root / name, folder)
    for student in course.students(ASSIGNMENT)[:students]:
        place = course.folder("submitted", ASSIGNMENT, student)
        shutil.copytree(place, folder / place.relative_to(course.root))
    if settings:
        (folder / CONFIG).write_text(settings, encoding="utf-8")
    return Course.at(folder)


def require_full_marks(course: Course, students: int) -> None:
    """Raise CourseError unless `students` were graded and got full marks; if not, it is not grading that was timed."""
    with Gradebook(course.directory.db_url, course.directory.course_id) as book:
        marks = [
            sum(grade.auto_score or 0.0 for note in one.notebooks for grade in note.grades)
            for one in book.assignment_submissions(ASSIGNMENT)
        ]
    if marks != [FULL] * students:
        raise CourseError(
            f"{course.root}: {marks.count(FULL)} of {students} right submissions got full marks; "
            "see what `make doctor` says."
        )
