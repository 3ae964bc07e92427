"""Write each student's feedback page.

The page shows the verdict of a test, never its source. Where the grader itself failed, it says only that.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from autograder.course.course import Course
from autograder.gradebook.graded_notebooks import GradedAnswers, Reader
from autograder.gradebook.queries import Key, Row, comments, table
from autograder.model import NOT_MARKED, Outcome, Value, Verdict
from autograder.notebook.explanations import WrittenQuestion, own_text, written_questions
from autograder.notebook.landmarks import answers_of, axes_of, titles
from autograder.notebook.sanitize import typed_text
from autograder.notebook.variants import released_copy
from autograder.notebook.written import pictures_in, rendered
from autograder.reports.compare_answers import Pair, compare_answers
from autograder.reports.failed_check import explain
from autograder.reports.formulas import draw
from autograder.reports.html import engine
from autograder.reports.html import picture as as_image
from autograder.reports.outcomes import QuestionOutcome, question_outcome
from autograder.reports.shape_diagram import picture, words

SIGNS = {
    QuestionOutcome.RIGHT: "✓",
    QuestionOutcome.PARTLY_RIGHT: "◐",
    QuestionOutcome.WRONG: "✗",
    QuestionOutcome.NOT_ANSWERED: "○",
    QuestionOutcome.NOT_JUDGED: "✕",
    QuestionOutcome.MARKED: "●",
    QuestionOutcome.NOT_MARKED: "?",
}
OURS = "The grader failed here. You lose no points: your instructor can see this and will mark it."
WAITS = "Your instructor has not marked this answer yet."
SILENT = "You did not answer this question."
SAYS = {  # in place of a verdict's rationale
    Outcome.GRADER_ERROR: OURS,
    Outcome.OPEN: NOT_MARKED,
    Outcome.NOT_ATTEMPTED: SILENT,
    Outcome.PASSED: "",
}


@dataclass(frozen=True)
class Answer:
    """One question on a student's page. `says` and `help` are from the verdict; `pairs` compare answers."""

    name: str
    title: str
    outcome: QuestionOutcome
    mark: float | None
    points: float
    says: str = ""
    help: str = ""
    given: str = ""
    pairs: tuple[Pair, ...] = ()
    picture: str = ""
    words: str = ""  # the picture in words
    comment: str = ""
    own: str = ""  # the student's text of a written answer, as harmless HTML
    model: str = ""  # the course's, likewise
    line: str = ""  # of the test, where it failed
    values: tuple[Value, ...] = ()  # that the line read


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
    name: str = ""  # from the roster or the gradebook


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
        self.written: dict[Key, WrittenQuestion] = {}
        self.axes: dict[str, Mapping[int, str]] = {}
        for notebook, source in self.reader.sources.items():
            self.titles |= {(notebook, name): title for name, title in self._titles(notebook, source).items()}
            self.commented |= {(notebook, name): cells for name, cells in answers_of(source).items()}
            self.axes[notebook] = axes_of(source)
            written = written_questions(source, course.settings)
            self.written |= {(notebook, name): question for name, question in written.items()}
        self.template = engine().get_template("feedback.html")

    def _titles(self, notebook: str, source: NotebookNode) -> dict[str, str]:
        """Return the title of each question of a notebook; with its name where several questions share a heading."""
        asked = {key[1] for key in self.results.cells.values() if key[0] == notebook}
        named = {name: title for name, title in titles(released_copy(source, self.course.settings)).items() if title}
        count = Counter(title for name, title in named.items() if name in asked)
        return {name: f"{title} · {name}" if count[title] > 1 else title for name, title in named.items()}

    def write(self, students: Sequence[str]) -> list[Path]:
        """Write a page for each of these students who handed in, next to the folder of nbgrader's pages."""
        wanted, written = set(students), []
        for row in self.results.rows:
            if row.student in wanted and row.score is not None:
                folder = self.course.folder("feedback", self.assignment, row.student)
                path = folder.with_name(f"{folder.name}.html")
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(
                    self.template.render(feedback=self.feedback(row, folder), signs=SIGNS, outcome=QuestionOutcome),
                    encoding="utf-8",
                )
                written.append(path)
        return written

    def feedback(self, row: Row, folder: Path) -> StudentFeedback:
        """Collect one student's data; `folder` has nbgrader's pages of their notebooks."""
        facts, cells = self.reader.read(row.student), self.reader.written_cells(row.student)
        parts = []
        for notebook in dict.fromkeys(key[0] for key in self.results.cells.values()):
            own = {name: key for name, key in self.results.cells.items() if key[0] == notebook}
            answers = tuple(self._answer(row, name, key, facts, cells.get(key, {})) for name, key in own.items())
            page = folder / f"{notebook}.html"
            parts.append(NotebookFeedback(notebook, answers, f"{folder.name}/{page.name}" if page.exists() else ""))
        known = [mark for mark in row.marks.values() if mark is not None]
        penalty = sum(known) - (row.score or 0.0)
        opened = len(row.marks) - len(known)
        score, name = row.score or 0.0, row.person.name
        about = (row.student, self.assignment, score, row.max_score, penalty, opened, row.repairs)
        return StudentFeedback(*about, tuple(parts), name)

    def _answer(self, row: Row, name: str, key: Key, facts: GradedAnswers, cell: Mapping[str, Any]) -> Answer:
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
        if question := self.written.get(key):
            model = rendered(question.model, {}, draw) if question.model else ""
            shown = replace(shown, own=_own(cell, question.stub), model=model)
        if verdict is None:
            says = {QuestionOutcome.NOT_MARKED: WAITS, QuestionOutcome.NOT_ANSWERED: SILENT}.get(outcome, "")
            return replace(shown, says=says)
        if verdict.outcome in (Outcome.OPEN, Outcome.GRADER_ERROR) and mark is not None:
            return shown  # an instructor has marked it
        if verdict.outcome != Outcome.FAILED:
            return replace(shown, says=SAYS.get(verdict.outcome, verdict.rationale), given=verdict.given)
        partly = outcome is QuestionOutcome.PARTLY_RIGHT
        failed = explain(verdict, self.course.hidden_tests)
        expected = verdict.expected if failed.is_open else ""
        pairs = compare_answers(verdict.given, expected, partly) if expected else ()
        names = facts.axes.get(key[0]) or self.axes.get(key[0], {})
        drawn = picture(pairs, names)
        return replace(
            shown,
            says=failed.says,
            line=failed.line,
            values=failed.values,
            help=verdict.help if failed.is_open else "",
            given=verdict.given,
            pairs=pairs,
            picture=as_image(drawn) if drawn else "",
            words=words(pairs, names),
        )


def _own(cell: Mapping[str, Any], stub: str) -> str:
    """Return what a student wrote as HTML; "" if they wrote nothing."""
    text = own_text(typed_text(cell), stub)
    return rendered(text, pictures_in("".join(cell.get("source", ""))), draw) if text else ""


def _outcome(mark: float | None, points: float, verdict: Verdict | None, silent: bool) -> QuestionOutcome:
    if mark is not None and verdict is None:
        return QuestionOutcome.NOT_ANSWERED if silent else QuestionOutcome.MARKED
    return question_outcome(mark, points, verdict, untouched=False)
