"""Make classes to grade: one in which every answer is right, and a mixed one."""

import ast
import random
import shutil
from pathlib import Path

import nbformat
from nbgrader.api import Grade, Gradebook

from autograder.course.course import CONFIG, Course
from autograder.errors import CourseError
from autograder.notebook.source import parse
from autograder.rnn.sample_answers import SAMPLES
from autograder.rnn.sample_class import ASSIGNMENT, SampleStudent, make_class, make_course

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


def make_mixed(course: Course, folder: Path, students: int, seed: int = 0) -> Course:
    """Make a course folder with a class as it may be: the sample class, a third of it with cells of their own.

    Every third notebook, drawn at random, has a text cell and a cell that tries something, at random places.
    """
    made, chance = make_class(course, folder, students, seed), random.Random(seed)
    for path in sorted(made.root.glob(f"submitted/*/{ASSIGNMENT}/*.ipynb")):
        if chance.random() < 1 / 3 and (content := path.read_text(encoding="utf-8")).rstrip().endswith("}"):
            notebook = nbformat.reads(content, 4)
            for cell in (nbformat.v4.new_markdown_cell("note: ask"), nbformat.v4.new_code_cell("1 + 1  # try")):
                notebook.cells.insert(chance.randrange(1, len(notebook.cells)), cell)
            nbformat.write(notebook, path)
    return made


def distinct(course: Course) -> float:
    """Return the share of a class' notebooks that are equal to no earlier one: their code has another syntax tree."""
    paths = sorted(course.root.glob(f"submitted/*/{ASSIGNMENT}/*.ipynb"))
    return len({(path.name, *_code(path)) for path in paths}) / len(paths)


def _code(path: Path) -> tuple[str, ...]:
    """Return the syntax trees of a notebook's cells; of a damaged file, its text."""
    content = path.read_text(encoding="utf-8")
    try:
        cells = nbformat.reads(content, 4).cells
    except nbformat.reader.NotJSONError:
        return (content,)
    return tuple(_tree(cell.source) for cell in cells if cell.cell_type == "code")


def _tree(source: str) -> str:
    try:
        return ast.dump(parse(source))
    except SyntaxError:
        return source


def part_of(course: Course, folder: Path, students: int, settings: str = "") -> Course:
    """Copy the course with only its first `students`; `settings` replaces its config unless empty."""
    folder.mkdir(parents=True)
    for name in (course.directory.source_directory, course.directory.release_directory):
        shutil.copytree(course.root / name, folder / name)
    for name in (CONFIG, GRADEBOOK):
        shutil.copy(course.root / name, folder)
    if (course.root / "reports").is_dir():  # the tests' proofs: the assignment has been released
        shutil.copytree(course.root / "reports", folder / "reports")
    for student in course.students(ASSIGNMENT)[:students]:
        place = course.folder("submitted", ASSIGNMENT, student)
        shutil.copytree(place, folder / place.relative_to(course.root))
    if settings:
        (folder / CONFIG).write_text(settings, encoding="utf-8")
    return Course.at(folder)


def require_full_marks(course: Course, students: int) -> None:
    """Raise CourseError unless `students` were graded and got full marks; if not, it is not grading that was timed."""
    with Gradebook(course.directory.db_url, course.directory.course_id) as book:
        full = [
            all(
                grade.auto_score == grade.max_score
                for note in one.notebooks
                for grade in note.grades
                if _is_test(grade)
            )
            for one in book.assignment_submissions(ASSIGNMENT)
        ]
    if full != [True] * students:
        raise CourseError(
            f"{course.root}: {sum(full)} of {students} right submissions got full marks; see what `make doctor` says."
        )


def _is_test(grade: Grade) -> bool:
    """Return whether the grader gives these points, and not the instructor."""
    return bool(grade.cell.cell_type == "code")
