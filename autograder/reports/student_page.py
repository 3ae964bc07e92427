"""Write each student's feedback page.

The page shows the verdict of a test, never its source. Where the grader itself failed, it says only that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import nbformat

from autograder.course.course import Course
from autograder.gradebook.graded_notebooks import GradedAnswers, Reader
from autograder.gradebook.queries import Key, Row, comments, table
from autograder.model import Outcome, Verdict
from autograder.notebook.landmarks import answers_of, axes_of, titles
from autograder.reports.compare_answers import Pair, compare_answers
from autograder.reports.html import engine
from autograder.reports.html import picture as as_image
from autograder.reports.shape_diagram import picture, words

SIGNS = {
    "right": "✓",
    "partly right": "◐",
    "not right": "✗",
    "not answered": "○",
    "not judged": "✕",
    "marked": "●",
    "not marked yet": "?",
}
OURS = "The grader failed here. You lose no points: your instructor can see this and will mark it."
WAITS = "Your instructor has not marked this answer yet."
SILENT = "You did not answer this question."


@dataclass(frozen=True)
class Answer:
    """One question on a student's page. `says` and `help` are from the verdict; `pairs` compare answers."""

    name: str
    title: str
    outcome: str  # one of SIGNS
    mark: float | None
    points: float
    says: str = ""
    help: str = ""
    given: str = ""
    pairs: tuple[Pair, ...] = ()
    picture: str = ""
    words: str = ""  # the picture in words
    comment: str = ""


@dataclass(frozen=True)
class NotebookFeedback:
    """One notebook's answers, and the address of nbgrader's page of it, relative to the student's page."""

    name: str
    answers: tuple[Answer, ...]
    page: str = ""


@dataclass(frozen=True)
class StudentFeedback:
    """Everything that a student's page shows."""

    student: str
    assignment: str
    score: float
    max_score: float
    penalty: float
    open_marks: int
    repairs: tuple[str, ...]
    notebooks: tuple[NotebookFeedback, ...]


class Pages:
    """Write the pages of one assignment. What all students share is read once."""

    def __init__(self, course: Course, assignment: str) -> None:
        self.course, self.assignment = course, assignment
        self.results = table(course, assignment)
        with course.gradebook() as book:
            self.comments = comments(book, assignment)
        self.reader = Reader(course, assignment)
        self.titles: dict[Key, str] = {}
        self.commented: dict[Key, list[str]] = {}
        self.axes: dict[str, Mapping[int, str]] = {}
        for path in course.masters(assignment):
            master = nbformat.read(path, 4)
            self.titles |= {(path.stem, name): title for name, title in titles(master).items()}
            self.commented |= {(path.stem, name): cells for name, cells in answers_of(master).items()}
            self.axes[path.stem] = axes_of(master)
        self.template = engine().get_template("feedback.html")

    def write(self, students: Sequence[str]) -> list[Path]:
        """Write a page for each of these students who handed in, next to the folder of nbgrader's pages."""
        wanted, written = set(students), []
        for row in self.results.rows:
            if row.student in wanted and row.score is not None:
                folder = self.course.folder("feedback", self.assignment, row.student)
                path = folder.with_name(f"{folder.name}.html")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(
                    self.template.render(feedback=self.feedback(row, folder), signs=SIGNS), encoding="utf-8"
                )
                written.append(path)
        return written

    def feedback(self, row: Row, folder: Path) -> StudentFeedback:
        """Collect one student's data; `folder` has nbgrader's pages of their notebooks."""
        facts = self.reader.read(row.student)
        parts = []
        for notebook in dict.fromkeys(key[0] for key in self.results.cells.values()):
            own = {name: key for name, key in self.results.cells.items() if key[0] == notebook}
            answers = tuple(self._answer(row, name, key, facts) for name, key in own.items())
            page = folder / f"{notebook}.html"
            parts.append(NotebookFeedback(notebook, answers, f"{folder.name}/{page.name}" if page.exists() else ""))
        known = [mark for mark in row.marks.values() if mark is not None]
        penalty = sum(known) - (row.score or 0.0)
        opened = len(row.marks) - len(known)
        return StudentFeedback(
            row.student, self.assignment, row.score or 0.0, row.max_score, penalty, opened, row.repairs, tuple(parts)
        )

    def _answer(self, row: Row, name: str, key: Key, facts: GradedAnswers) -> Answer:
        verdict = facts.verdicts.get(key)
        own = [
            self.comments[at]
            for cell in self.commented.get(key, [key[1]])
            if (at := (row.student, (key[0], cell))) in self.comments
        ]
        mark, points = row.marks[name], self.results.points[name]
        outcome = _outcome(mark, points, verdict, any(one.no_response for one in own))
        comment = "\n".join(one.by_instructor for one in own if one.by_instructor)
        shown = Answer(name, self.titles.get(key, ""), outcome, mark, points, comment=comment)
        if verdict is None:
            says = {"not marked yet": WAITS, "not answered": SILENT}.get(outcome, "")
            return replace(shown, says=says)
        if verdict.outcome != Outcome.FAILED:
            hidden = {Outcome.GRADER_ERROR: OURS, Outcome.NOT_ATTEMPTED: SILENT, Outcome.PASSED: ""}
            return replace(shown, says=hidden.get(verdict.outcome, verdict.rationale), given=verdict.given)
        pairs = compare_answers(verdict.given, verdict.expected) if verdict.expected else ()
        names = facts.axes.get(key[0]) or self.axes.get(key[0], {})
        drawn = picture(pairs, names)
        return replace(
            shown,
            says=verdict.mistake or verdict.rationale,
            help=verdict.help,
            given=verdict.given,
            pairs=pairs,
            picture=as_image(drawn) if drawn else "",
            words=words(pairs, names),
        )


def _outcome(mark: float | None, points: float, verdict: Verdict | None, silent: bool) -> str:
    if mark is None:
        return "not marked yet"
    if verdict is None:
        return "not answered" if silent else "marked"
    if mark >= points:
        return "right"
    if mark > 0:
        return "partly right"
    return {Outcome.NOT_ATTEMPTED: "not answered", Outcome.NO_EVIDENCE: "not judged"}.get(verdict.outcome, "not right")
