"""A small course in nbgrader's own default layout, from its source notebooks to marks and feedback."""

import csv
import html
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from autograder.course.course import Course
from autograder.course.limits import Limits
from autograder.export.exporters import write_csv
from autograder.gradebook.queries import Table, table
from autograder.gradebook.source_assignment import SourceAssignment
from autograder.grading.class_run import ClassRun
from autograder.grading.proving import prove
from autograder.release.release import release
from autograder.reports.nbgrader_feedback import feedback
from autograder.tests.support import ROOT

SMALL = ROOT / "autograder" / "tests" / "courses" / "small"
LIMITS = Limits(cell_seconds=3)
OPEN = None  # a mark that a reader has still to give

RIGHT = {
    "mean": "mean = float(celsius.mean())",
    "mean-why": "Friday is in another season than the <script>mean</script>.",
    "days": "days = {'warm': 3, 'cold': 4}",
    "order": "order = sorted(celsius)",
    "smooth": "def smooth(values):\n    return [np.mean(pair) for pair in pairwise(values)]",
    "counter": "import itertools\ndef counter(start):\n    return itertools.count(start + 1).__next__",
    "own": "smooth([1, 2])",
}
WRONG = {
    "mean": "mean = 15.0",
    "days": "days = {'warm': 4, 'cold': 3}",
    "order": "order = celsius[::-1]",
    "smooth": "def smooth(values):\n    return [one + two for one, two in pairwise(values)]",
    "counter": "def counter(start):\n    return lambda: start + 1",
}
PARTIAL = RIGHT | {"days": "days = {'warm': 3, 'cold': 3}"}
RAISES = RIGHT | {
    "smooth": "def smooth(values):\n    return [values[i] / 0 for i in range(9)]",
    "counter": "def counter(start):\n    return lambda: counter",
}
LOOPS = RIGHT | {
    "mean": "while True: pass",
    "smooth": "def smooth(values):\n    while len(values) > 5: pass\n    return [np.mean(p) for p in pairwise(values)]",
}
HOSTILE = {
    "mean": """class Yes(float):
    __eq__ = __lt__ = lambda *_: True
    __sub__ = __rsub__ = __abs__ = lambda *_: 0.0
import lab
lab.readings = lambda: [mean] * 7
mean = Yes()""",
    "days": "class Ja(int):\n    __eq__ = lambda *_: True\ndays = {'warm': Ja(), 'cold': Ja()}",
    "order": "order = [Yes()] * 7",
    "smooth": """random.randint = random.randrange = lambda *_: 0
def smooth(values):
    return [1.5, 4] if values == [1, 2, 6] else [0] * (len(values) - 1)""",
    "counter": "def counter(start):\n    return iter(range(start + 1, start + 9)).__next__",
    "own": "print('<script>')",
}
CLASS = {
    "ada": RIGHT,
    "ben": WRONG,
    "chen": PARTIAL,
    "dora": {},
    "emil": RAISES,
    "fay": LOOPS,
    "gus": RIGHT,
    "hana": HOSTILE,
}

# As they stand in the notebooks.
COLUMNS = ("mean", "mean-why", "days", "order", "report", "smooth", "counter", "own")
MARKS: dict[str, tuple[float | None, ...]] = {
    "ada": (2, OPEN, 3, 1, OPEN, 3, 2, OPEN),
    "ben": (0, 0, 0, 0, OPEN, 0, 0, 0),
    "chen": (2, OPEN, 2, 1, OPEN, 3, 2, OPEN),
    "dora": (0, 0, 0, 0, OPEN, 0, 0, 0),
    "emil": (2, OPEN, 3, 1, OPEN, 0, 0, OPEN),
    "fay": (0, OPEN, 3, 1, OPEN, 0, 2, OPEN),
    "gus": (0, 0, 0, 0, OPEN, 3, 2, OPEN),
    "hana": (0, 0, 0, 0, OPEN, 0, 0, OPEN),
}


def fill(released: NotebookNode, answers: Mapping[str, str]) -> NotebookNode:
    notebook: NotebookNode = nbformat.from_dict(released)
    for cell in notebook.cells:
        cell.source = answers.get(cell.id, cell.source)
    return notebook


def hand_in(course: Course, student: str, answers: Mapping[str, str]) -> Path:
    place = course.folder("submitted", "ps1", student)
    place.mkdir(parents=True)
    for path in course.folder("release", "ps1").iterdir():
        if path.suffix == ".ipynb":
            nbformat.write(fill(nbformat.read(path, 4), answers), place / path.name)
        else:
            shutil.copy(path, place)
    return place


def forge(place: Path) -> None:
    """Forge what lies beside and in the notebooks: helper, data, test cells, points."""
    (place / "lab.py").write_text("readings = lambda: [0.0] * 7\n")
    (place / "readings.csv").write_text("day,celsius\nmon,0\n")
    for path in place.glob("*.ipynb"):
        notebook = nbformat.read(path, 4)
        for cell in notebook.cells:
            rights = cell.metadata.get("nbgrader", {})
            if rights.get("grade") and not rights.solution:
                cell.source, rights.points = "99", 99
        nbformat.write(notebook, path)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def said(course: Course, student: str) -> dict[str, str]:
    """What stands under each test of a student's autograded notebooks."""
    found = {}
    for path in course.folder("autograded", "ps1", student).glob("*.ipynb"):
        for cell in nbformat.read(path, 4).cells:
            if cell.id.endswith("-test"):
                (output,) = cell.outputs
                found[cell.id.removesuffix("-test")] = str(output.get("text") or output.evalue).strip()
    return found


def page(path: Path) -> str:
    """The text of a page of feedback: without tags, which stand between the words of code."""
    return html.unescape(re.sub(r"<[^>]+>", "", path.read_text()))


@pytest.fixture
def small(tmp_path: Path) -> Course:
    """The small course, released and proved."""
    shutil.copytree(SMALL, tmp_path / "small")
    course = Course.at(tmp_path / "small")
    release(course, "ps1")
    prove(SourceAssignment.load(course, "ps1"))
    return course


@pytest.mark.kernel
def test_from_source_notebooks_to_marks_and_feedback(small: Course) -> None:
    check_released(small)
    for student, answers in CLASS.items():
        hand_in(small, student, answers)
    (small.folder("submitted", "ps1", "gus") / "basics.ipynb").write_bytes(b'{"cells": [')
    forge(small.folder("submitted", "ps1", "hana"))
    before = contents(small.root / "submitted")

    statuses = ClassRun(small, "ps1", limits=LIMITS).grade()
    assert statuses == dict.fromkeys(CLASS, "") | {"fay": "timeout", "gus": "damaged"}
    assert contents(small.root / "submitted") == before
    check_table(table(small, "ps1"))
    check_gradebook(small)
    check_said(small)
    check_csv(small)
    check_feedback(small)
    check_manual_marks(small)


def check_released(course: Course) -> None:
    folder = course.folder("release", "ps1")
    assert sorted(path.name for path in folder.iterdir()) == [
        "basics.ipynb",
        "functions.ipynb",
        "lab.py",
        "readings.csv",
    ]
    text = "".join(path.read_text() for path in folder.iterdir())
    assert text.count("raise NotImplementedError()") == 6
    assert text.count("YOUR ANSWER HERE") == 1
    assert not re.search("HIDDEN|SOLUTION|SCHEME|randint", text)


def check_table(results: Table) -> None:
    assert results.points == dict(zip(COLUMNS, (2, 2, 3, 1, 1, 3, 2, 2), strict=True))
    assert {row.student: tuple(row.marks.values()) for row in results.rows} == MARKS
    assert {row.student: row.score for row in results.rows} == {
        student: sum(mark or 0 for mark in marks) for student, marks in MARKS.items()
    }
    opened = dict.fromkeys(CLASS, "needs manual grading")
    assert {row.student: row.status for row in results.rows} == opened | {"fay": "timeout", "gus": "damaged"}
    repairs = {row.student: row.repairs for row in results.rows if row.repairs}
    assert list(repairs) == ["hana"]
    assert "basics: mean-test: the test cell was edited; the original was used." in repairs["hana"]


def check_gradebook(course: Course) -> None:
    with course.gradebook() as book:
        for student in CLASS:
            submission = book.find_submission("ps1", student)
            assert (submission.score, submission.max_score) == (sum(mark or 0 for mark in MARKS[student]), 16)
            for notebook in submission.notebooks:
                for mark in notebook.grades:
                    expected = MARKS[student][COLUMNS.index(mark.name.removesuffix("-test"))]
                    assert (mark.auto_score, mark.manual_score) == (expected, None)
                    assert mark.needs_manual_grade == (expected is OPEN)
        comments = {
            comment.name: comment.auto_comment
            for notebook in book.find_submission("ps1", "dora").notebooks
            for comment in notebook.comments
        }
        assert comments["mean-why"] == comments["own"] == "No response."


def check_said(course: Course) -> None:
    words = {student: said(course, student) for student in CLASS}
    assert words["ada"]["days"] == "passed: 3 points"
    assert words["ben"] == {
        "mean": "mean: it is not the mean of the week.",
        "days": "warm: 4 days are not right.\ncold: 3 days are not right.",
        "order": "order: the coldest day comes first.",
        "smooth": "smooth([1, 2, 6]) gives [3, 8].",
        "counter": "counter: it does not count on.",
    }
    assert words["chen"]["days"] == "cold: 3 days are not right."
    assert words["dora"]["days"] == "not answered."
    assert words["dora"]["smooth"] == "not answered."
    assert words["emil"]["smooth"] == "shown: ZeroDivisionError: division by zero"
    assert words["emil"]["counter"].startswith("counter: it does not count on.")
    assert words["fay"]["smooth"] == "cell smooth-test ran longer than 3 s and was stopped."
    assert words["gus"]["order"].startswith("basics.ipynb: not JSON")
    assert words["hana"] == {
        "mean": "mean: it is not the mean of the week.",
        "days": "warm: 0 days are not right.\ncold: 0 days are not right.",
        "order": "order: the coldest day comes first.",
        "smooth": "random: its numbers repeat.",
        "counter": "random: it was tampered with.",
    }


def check_csv(course: Course) -> None:
    write_csv(table(course, "ps1"), course.root / "grades.csv")
    with (course.root / "grades.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    sums, end = ["raw_score", "late_penalty", "score", "max_score"], ["status", "handed_in", "reproducible", "repairs"]
    assert rows[0] == ["student_id", "last_name", "first_name", "email", *COLUMNS, *sums, *end]
    assert [row[0] for row in rows[1:]] == list(CLASS)
    marks = ["2", "", "3", "1", "", "3", "2", ""]
    assert rows[1][1:] == ["", "", "", *marks, "11", "0", "11", "16", "needs manual grading", "", "", ""]
    marks = ["0", "", "3", "1", "", "0", "2", ""]
    assert rows[6][1:] == ["", "", "", *marks, "6", "0", "6", "16", "timeout", "", "", ""]


def check_feedback(course: Course) -> None:
    assert feedback(course, "ps1") == list(CLASS)
    for student in CLASS:
        folder = course.folder("feedback", "ps1", student)
        assert sorted(path.name for path in folder.iterdir()) == ["basics.html", "functions.html"]
        basics, functions = page(folder / "basics.html"), page(folder / "functions.html")
        assert "assert isinstance(mean, float)" in basics
        assert "np.mean(readings())" not in basics
        assert "One point for any plot" not in basics
        assert "shown = smooth([1, 2, 6])" in functions
        assert "inputs = [[" not in functions
        assert "others == [1, 8]" not in functions
        assert "<script>mean" not in (folder / "basics.html").read_text()
    assert "mean: it is not the mean of the week." in page(course.folder("feedback", "ps1", "ben") / "basics.html")


def check_manual_marks(course: Course) -> None:
    """A reader's marks make a submission complete, and stay when it is graded again."""
    with course.gradebook() as book:
        for notebook, name, mark in (("basics", "mean-why", 1.5), ("basics", "report", 1), ("functions", "own", 2)):
            row = book.find_grade(name, notebook, "ps1", "ada")
            row.manual_score, row.needs_manual_grade = mark, False
        book.db.commit()
    assert ClassRun(course, "ps1", ["ada"], limits=LIMITS).grade() == {"ada": ""}
    ada = table(course, "ps1").rows[0]
    assert tuple(ada.marks.values()) == (2, 1.5, 3, 1, 1, 3, 2, 2)
    assert (ada.score, ada.status) == (15.5, "graded")
