"""Generate a sample class: submissions made from the course's notebooks, with answers that real students give.

The same number of students and the same seed always make the same class. The class is in a separate course folder, so
it never mixes with a real one.
"""

import ast
import random
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import nbformat
from nbformat import NotebookNode

from autograder.course.course import CONFIG, Course
from autograder.errors import CourseError
from autograder.notebook.cells import grade_id
from autograder.notebook.source import parse
from autograder.release.release import release
from autograder.rnn.own_numbers import ID, Sizes, sizes_for
from autograder.rnn.sample_answers import SAMPLES, WHY, WHY_WRONG
from autograder.submissions.files import read_folder

ASSIGNMENT = "rnn_shapes"
SALT = "the demo's own"  # for personalized sizes
DUE, LATE = "2027-01-31 12:00 UTC", "2027-02-01 09:00 UTC"
NAMES = (
    "ada ben chen dora emil fay gus hana ivan jo kim lea max nia omar pia quin "
    "rosa sven tara ugo vera wim xenia yara zeno"
).split()


class SampleStudent(NamedTuple):
    """What one student submits: code and written answers by question; `deleted` cell, `cut` (truncated) file, `late`.

    With personalized sizes: the id `typed` in, and the student whose sizes the answers use, if not the student's own.
    """

    answers: Mapping[str, str]
    whys: Mapping[str, str] = WHY
    deleted: str = ""
    cut: str = ""
    late: bool = False
    typed: str | None = None
    numbers_of: str | None = None


def make_class(course: Course, folder: Path, students: int, seed: int, salt: str = "") -> Course:
    """Make a course folder with a released assignment and `students` submissions; return the course.

    With a salt, each student has different sizes, and three more students use another student's sizes.
    """
    return make_course(course, folder, sample_students(students, seed) | (_copiers() if salt else {}), salt)


def make_course(course: Course, folder: Path, samples: Mapping[str, SampleStudent], salt: str = "") -> Course:
    """Make a course folder with a released assignment and these submissions; return the course."""
    if ASSIGNMENT not in course.assignments():
        raise CourseError(f"{course.folder('source', ASSIGNMENT)}: not found; the demo needs this assignment.")
    demo = _copy_course(course, folder, salt)
    release(demo, ASSIGNMENT)
    released = {path.stem: nbformat.read(path, 4) for path in demo.folder("release", ASSIGNMENT).glob("*.ipynb")}
    for student, sample in samples.items():
        hand_in(demo, student, sample, released)
    return demo


def sample_students(students: int, seed: int) -> dict[str, SampleStudent]:
    """Return a class by name: first one student for each common mistake, then students with random mistakes."""
    chance = random.Random(seed)
    result = dict(list(_cast().items())[:students])
    for i in range(len(result), students):
        name = NAMES[i % len(NAMES)] + (f"-{i // len(NAMES) + 1}" if i >= len(NAMES) else "")
        skill = chance.uniform(0.3, 1.0)
        answers = {question: _draw(question, skill, chance) for question in SAMPLES}
        whys = {cell: (WHY if chance.random() < skill else WHY_WRONG)[cell] for cell in WHY}
        result[name] = SampleStudent(answers, whys, late=chance.random() < 0.1)
    return result


def hand_in(course: Course, student: str, sample: SampleStudent, released: Mapping[str, NotebookNode]) -> None:
    """Write a student's notebooks and timestamp into the course's submitted/ folder."""
    place = course.folder("submitted", ASSIGNMENT, student)
    place.mkdir(parents=True)
    helpers, _ = read_folder(course.folder("release", ASSIGNMENT))
    for name, notebook in released.items():
        numbers_of = student if sample.numbers_of is None else sample.numbers_of
        text = nbformat.writes(fill_in(notebook, sample, student, sizes_for(notebook, helpers, numbers_of)))
        (place / f"{name}.ipynb").write_text(text[: len(text) // 2] if name == sample.cut else text, encoding="utf-8")
    others = shutil.ignore_patterns("*.ipynb", "__pycache__", ".ipynb_checkpoints")
    shutil.copytree(course.folder("release", ASSIGNMENT), place, ignore=others, dirs_exist_ok=True)
    (place / "timestamp.txt").write_text(LATE if sample.late else "2027-01-30 18:00 UTC")


def fill_in(
    released: NotebookNode, sample: SampleStudent, student: str = "", sizes: Sizes | None = None
) -> NotebookNode:
    """Return a released notebook with a student's answers filled in, and the id if it asks for one."""
    notebook: NotebookNode = nbformat.from_dict(released)
    answers = {name: _numbered(code, sizes) for name, code in sample.answers.items()} if sizes else sample.answers
    asked = {ID: f"student = {(student if sample.typed is None else sample.typed)!r}"}
    for cell in notebook.cells:
        name = grade_id(cell)
        cell.source = {**answers, **sample.whys, **asked}.get(name, cell.source)
    notebook.cells = [cell for cell in notebook.cells if not sample.deleted or cell.id != sample.deleted]
    return notebook


def _numbered(code: str, sizes: Sizes) -> str:
    """Rewrite an answer for the usual sizes as one for these sizes."""
    return ast.unparse(_Numbered(sizes).visit(parse(code)))


class _Numbered(ast.NodeTransformer):
    """Replace the usual sizes by others, except in slices, where a number counts names."""

    def __init__(self, sizes: Sizes) -> None:
        _, timesteps, features, units = sizes
        self.other = {8: timesteps, 7: timesteps - 1, 2: features, 3: units}

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant(self.other.get(node.value, node.value)) if type(node.value) is int else node

    def visit_Slice(self, node: ast.Slice) -> ast.Slice:
        return node


def _copy_course(course: Course, folder: Path, salt: str) -> Course:
    """Make a new course folder with the same settings and sources, and a due date."""
    if folder.exists():
        if not (folder / ".demo").exists():
            raise CourseError(f"{folder}: exists and is not a demo; pass another folder with --folder.")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / ".demo").touch()
    shutil.copytree(
        course.folder("source"),
        folder / course.directory.source_directory,
        ignore=shutil.ignore_patterns(".*", "__*__"),
    )
    settings = (course.root / CONFIG).read_text(encoding="utf-8")
    due = f'c.Course.due_dates = {{"{ASSIGNMENT}": "{DUE}"}}\nc.AssignLatePenalties.plugin_class = "{PENALTY}"\n'
    own = f"c.Personalization.salt = {salt!r}\n" if salt else ""
    (folder / CONFIG).write_text(
        f"{settings}\n# Only in the demo: {PENALTY} takes 10 % a day.\n{due}{own}", encoding="utf-8"
    )
    return Course.at(folder)


PENALTY = "autograder.gradebook.late_policy.DailyPenalty"


def _draw(question: str, skill: float, chance: random.Random) -> str:
    """Draw a student's answer: right with probability `skill`; one in ten of the others is left unanswered."""
    known = chance.random() < skill
    if not known and chance.random() < 0.1:
        return _UNANSWERED[question]
    return chance.choice([sample.code for sample in SAMPLES[question] if (sample.points == 2) == known])


_UNANSWERED = {question: f"{question} = ..." for question in SAMPLES} | {"q5": "model5 = ...\noutput5 = ...\nq5 = ..."}


def _cast() -> dict[str, SampleStudent]:
    """Return one student for each common mistake, and for each kind of bad submission that a grader must handle."""
    literal = {question: samples[0].code for question, samples in SAMPLES.items()}
    computed = {question: samples[1].code for question, samples in SAMPLES.items()}

    def but(**wrong: str) -> dict[str, str]:
        """Return right answers, except for these questions: the sample whose message contains the text."""
        chosen = {q: next(s.code for s in SAMPLES[q] if text in s.says) for q, text in wrong.items()}
        return literal | chosen

    trick = "class Yes(str):\n    __eq__ = lambda self, other: True\n    __hash__ = str.__hash__\n"
    missing = dict.fromkeys(("q1", "q3", "q6", "q9", "q11"), "the batch axis is missing")
    return {
        "ada": SampleStudent(literal),
        "ben": SampleStudent(computed),
        "chen": SampleStudent(but(**missing)),
        "dora": SampleStudent(
            but(q2="output: these are the states", q5="the model ends there", q7="output: these are the states"),
            WHY_WRONG,
        ),
        "emil": SampleStudent(but(q1="'8 Rows' is not", q3="None is what", q9="None is what")),
        "fay": SampleStudent(
            but(q2="h: add 1 to step 0", q3="one too many", q6="one too many", q12="keeps the axes batch, timesteps")
        ),
        "gus": SampleStudent(but(q5="is not one of the choices", q7="the batch axis")),
        "hana": SampleStudent(but(q4="An empty list", q10="An empty list"), WHY_WRONG),
        "ivan": SampleStudent(but(q8="GRU: it has no c.", q12="keeps the axes timesteps, units")),
        "jo": SampleStudent({}, {}),
        "kim": SampleStudent({q: code for q, code in literal.items() if q in ("q1", "q2", "q3", "q4", "q5")}, {}),
        "lea": SampleStudent(literal, deleted="q3-test"),
        "max": SampleStudent(computed, late=True),
        "omar": SampleStudent(computed, cut="3_gru"),
        "pia": SampleStudent({q: f"{trick}{q} = Yes('right')" for q in SAMPLES}, WHY_WRONG),
        "nia": SampleStudent(
            but(q5="returns 3 arrays", q6="from the timesteps axis on", q11="units axis does not have size 2")
        ),
    }


def _copiers() -> dict[str, SampleStudent]:
    """Return students who submit ada's answers with her id and with their own id, and one who types no id."""
    literal = {question: samples[0].code for question, samples in SAMPLES.items()}
    return {
        "copied": SampleStudent(literal, typed="ada", numbers_of="ada"),
        "copied-numbers": SampleStudent(literal, numbers_of="ada"),
        "no-id-typed": SampleStudent({q: samples[1].code for q, samples in SAMPLES.items()}, typed=""),
    }
