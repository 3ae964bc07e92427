"""A graded class of any size without grading: rows and autograded notebooks as the grader writes them, in seconds."""

import datetime
import json
import random
import uuid
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from nbgrader.api import (
    Assignment,
    Comment,
    Grade,
    Gradebook,
    Notebook,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
)
from sqlalchemy import insert, select

from autograder.course.course import Course
from autograder.gradebook.assignment_sync import update_gradebook
from autograder.gradebook.graded_notebooks import KEY
from autograder.gradebook.source_assignment import SourceAssignment
from autograder.model import NO_RESPONSE, Outcome, Reason, Verdict
from autograder.rnn.assertions import MADE_UP, NOT_COMPUTED
from autograder.rnn.sample_answers import SAMPLES
from autograder.tests.harness.part_of_course import make_part
from autograder.tests.support import NOTEBOOKS

ASSIGNMENT = "rnn_shapes"
GUESS = "you guessed {} - predict returned 3 arrays\n"


def make_graded(
    folder: Path, students: Iterable[str], seed: int = 0, settings: str = "", notebooks: Collection[str] = NOTEBOOKS
) -> Course:
    """A course folder with these students that looks as if it had been graded; the last of them handed in nothing.

    `settings` are more lines of its nbgrader_config.py; `notebooks` are those of this checkout's course that it has.
    """
    course, chance = make_part(folder, *notebooks, settings=settings), random.Random(seed)
    update_gradebook(SourceAssignment.load(course, ASSIGNMENT))
    with course.gradebook() as book:
        rows = _Rows(course, list(book.db.scalars(select(Assignment)).one().notebooks), chance)
        for place, student in enumerate(names := list(students)):
            rows.add(student, handed_in=place == 0 or place < len(names) - 1)
        rows.write(book)
    return course


class _Rows:
    """The gradebook's rows of a class, by table; each student's notebooks are written on the way."""

    def __init__(self, course: Course, notebooks: list[Notebook], chance: random.Random) -> None:
        self.course, self.notebooks, self.chance = course, notebooks, chance
        tables = (Student, SubmittedAssignment, SubmittedNotebook, Grade, Comment)
        self.rows: dict[type, list[dict[str, Any]]] = {table: [] for table in tables}

    def add(self, student: str, handed_in: bool) -> None:
        self.rows[Student].append({"id": student})
        if not handed_in:
            return
        key, skill = uuid.uuid4().hex, self.chance.betavariate(3, 2)
        row = {"id": key, "assignment_id": self.notebooks[0].assignment.id, "student_id": student}
        self.rows[SubmittedAssignment].append(row | {"timestamp": datetime.datetime(2027, 1, 30)})
        place = self.course.folder("autograded", ASSIGNMENT, student)
        place.mkdir(parents=True)
        for notebook in self.notebooks:
            text = json.dumps(self._graded(notebook, key, skill), ensure_ascii=False)
            (place / f"{notebook.name}.ipynb").write_text(text, encoding="utf-8")

    def _graded(self, notebook: Notebook, submission: str, skill: float) -> dict[str, Any]:
        row = {"notebook_id": uuid.uuid4().hex}
        key = {"id": row["notebook_id"], "assignment_id": submission, "notebook_id": notebook.id}
        self.rows[SubmittedNotebook].append(key)
        verdicts = {}
        for cell in notebook.grade_cells:
            verdicts[cell.name] = _verdict(cell.name, skill, self.chance)
            grade = _grade(verdicts[cell.name], skill, self.chance)
            self.rows[Grade].append({"cell_id": cell.id, **row, **grade})
        for cell in notebook.solution_cells:
            silent = cell.name.endswith("-why") and self.chance.random() < 0.1
            comment = {"auto_comment": NO_RESPONSE if silent else None, "manual_comment": None}
            self.rows[Comment].append({"cell_id": cell.id, **row, **comment})
        return _notebook(notebook.name, verdicts, self.chance)

    def write(self, book: Gradebook) -> None:
        for table, values in self.rows.items():
            if values:  # without render_nulls, rows with and without a mark are statements of their own
                book.db.execute(insert(table), values, execution_options={"render_nulls": True})
        book.db.commit()


def _verdict(cell: str, skill: float, chance: random.Random) -> Verdict:
    samples = SAMPLES.get(cell.removesuffix("-test"), [])
    if not samples or chance.random() < 0.01:
        return Verdict(
            cell, Outcome.NO_EVIDENCE, 0.0, "it ran too long.", chance.choice([Reason.TIMEOUT, Reason.CRASH])
        )
    if chance.random() < skill:
        return Verdict(cell, Outcome.PASSED, 2.0)
    if chance.random() < 0.1:
        return Verdict(cell, Outcome.NOT_ATTEMPTED, 0.0, "not answered.")
    wrong = [sample for sample in samples if sample.points < 2]
    found = wrong[min(int(chance.expovariate(0.7)), len(wrong) - 1)]
    made_up = chance.random() < 0.005
    says, flag = (f"h: {NOT_COMPUTED}", MADE_UP) if made_up else (found.says, "")
    given = found.code.partition(" = ")[2]
    rationale = f"{says} Right: (1, 3)"
    return Verdict(cell, Outcome.FAILED, found.points, rationale, Reason.NONE, says, "", "(1, 3)", given, flag)


def _grade(verdict: Verdict, skill: float, chance: random.Random) -> dict[str, Any]:
    if not verdict.cell.endswith("-why"):
        return {"auto_score": verdict.points, "manual_score": None, "needs_manual_grade": False}
    if chance.random() < 0.3:
        return {"auto_score": None, "manual_score": None, "needs_manual_grade": True}
    return {"auto_score": None, "manual_score": float(chance.random() < skill), "needs_manual_grade": False}


def _notebook(name: str, verdicts: Mapping[str, Verdict], chance: random.Random) -> dict[str, Any]:
    tests = [verdict for cell, verdict in verdicts.items() if cell.endswith("-test")]
    cells: list[dict[str, Any]] = [
        {"metadata": {"nbgrader": {"grade_id": v.cell}, KEY: {k: x for k, x in vars(v).items() if k != "cell"}}}
        for v in tests
    ]
    if name == "1_lstm":
        guess = chance.choice(["1", "3", "3", "..."])
        came = [{"output_type": "stream", "text": [GUESS.format(guess)]}]
        cells.append({"cell_type": "code", "id": "guess", "metadata": {}, "source": [f"guess = {guess}"]})
        cells.append({"cell_type": "code", "id": "predict", "metadata": {}, "source": [], "outputs": came})
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
