"""Results for the eye: a table of marks and a progress bar in the terminal, by rich. Knows nothing of how they came."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table as RichTable
from rich.text import Text

from autograder.gradebook.queries import Key, Row, Table
from autograder.grading.review import MarkChange, Review, describe, describe_mark
from autograder.marking import Answer, Group, Question
from autograder.model import Status

WIDTH = 124  # characters of a table that no terminal bounds
OPEN = "·"  # a mark that a reader has still to give
LONGEST = 1500  # characters of a written answer that a terminal shows
NAMED = 4  # students of a group that are named

console = Console(highlight=False, soft_wrap=not Console().is_terminal)


def show_table(results: Table, picture: Path | None = None) -> None:
    """Print a row a student, a mark a question, the total and the status; on request draw it as SVG as well."""
    automatic = [name for name in results.points if name not in results.written]
    written = [name for name in results.points if name in results.written]
    grid = RichTable(title=f"{results.assignment}: {len(results.rows)} students", title_justify="left", pad_edge=False)
    grid.add_column("student", no_wrap=True)
    for name in automatic:
        grid.add_column(name, justify="right", no_wrap=True)
    if written:
        grid.add_column("written", justify="right", no_wrap=True)
    for name in ("score", "of", "status"):
        grid.add_column(name, justify="left" if name == "status" else "right", no_wrap=True)
    for row in results.rows:
        grid.add_row(row.student, *(_mark(row.marks[name]) for name in automatic), *_written(row, written), *_end(row))
    page = Console(highlight=False, width=None if console.is_terminal else WIDTH, record=picture is not None)
    page.print(grid)
    page.print(f"{OPEN} is open: a reader has still to give this mark. Scores are less late penalties.")
    if picture:
        page.save_svg(str(picture), title="autograder demo")


def _written(row: Row, written: list[str]) -> list[str]:
    """The written answers in one column: their sum once all are read."""
    marks = [row.marks[name] for name in written]
    known = [mark for mark in marks if mark is not None]
    return [_mark(sum(known)) if len(known) == len(marks) else OPEN] if written else []


def _end(row: Row) -> list[str]:
    return ["" if row.score is None else f"{row.score:g}", f"{row.max_score:g}", row.status]


def _mark(mark: float | None) -> str:
    return OPEN if mark is None else f"{mark:g}"


def show_review(review: Review) -> None:
    """Print what grading anew would change: each mark that moves, with its reason, and how many do not."""
    page = Console(highlight=False, width=None if console.is_terminal else WIDTH)
    if review.changed:
        page.print(Text(f"changed since they were graded: {', '.join(map(describe, review.changed))}"))
    if review.moves:
        page.print(_moves(review.moves, review.names))
    students = len({move.student for move in review.moves})
    said = f"{_count(len(review.moves), 'mark')} of {_count(students, 'student')} to move; "
    said += f"{_count(len(review.same), 'student')} to keep all marks; {len(review.first)} graded for the first time"
    page.print(Text(said))


def _moves(moves: Sequence[MarkChange], names: Mapping[Key, str]) -> RichTable:
    grid = RichTable(pad_edge=False)
    for name in ("student", "question"):
        grid.add_column(name, no_wrap=True)
    for name in ("old", "new"):
        grid.add_column(name, justify="right", no_wrap=True)
    grid.add_column("now", ratio=2, overflow="fold")
    grid.add_column("changed", ratio=1, overflow="fold")
    for move in moves:
        notebook, cell = move.question
        why = Text(_shown(", ".join(describe(change, notebook) for change in move.why)))
        marks, now = (_mark(move.old), _mark(move.new)), _plain(describe_mark(move), LONGEST)
        grid.add_row(_shown(move.student), names.get(move.question, cell), *marks, now, why)
    return grid


def show_answers(questions: Sequence[Question], all_groups: bool) -> None:
    """Print each question's marking scheme and its groups of answers: those with open marks, or all of them."""
    page = Console(highlight=False, width=None if console.is_terminal else WIDTH)
    for question in questions:
        groups = [group for group in question.groups if all_groups or group.open]
        answers, opened = (sum(len(group.answers) for group in question.groups), sum(g.open for g in question.groups))
        page.print(
            Text(f"{question.name} ({_count(question.points, 'point')}): {answers} answers, {opened} open", "bold")
        )
        page.print(_plain(question.scheme, LONGEST), style="italic") if question.scheme else None
        if groups:
            page.print(_answers(groups))
        if question.unread:
            page.print(Text(f"cannot be read, so in no group: {_some(question.unread)}"))
        page.print()


def _count(number: float, thing: str) -> str:
    return f"{number:g} {thing}" if number == 1 else f"{number:g} {thing}s"


def _answers(groups: Sequence[Group]) -> RichTable:
    grid = RichTable(pad_edge=False, show_lines=True)
    grid.add_column("group", no_wrap=True)
    for name in ("students", "mark"):
        grid.add_column(name, justify="right", no_wrap=True)
    grid.add_column("answer, and whose", ratio=1, overflow="fold")
    for group in groups:
        said = _plain(group.text, LONGEST) if group.text else Text("(left open)", "italic")
        whose = Text(f"\n{_some([answer.student for answer in group.answers])}", "dim")
        grid.add_row(group.name, str(len(group.answers)), _marks(group.answers), said + whose)
    return grid


def _marks(answers: Sequence[Answer]) -> str:
    """The marks of a group, each with how many have it where they differ."""
    times = Counter(_mark(answer.mark) for answer in answers)
    return next(iter(times)) if len(times) == 1 else ", ".join(f"{mark} ({n})" for mark, n in sorted(times.items()))


def _some(students: Sequence[str]) -> str:
    more = f" and {len(students) - NAMED} more" if len(students) > NAMED else ""
    return _shown(", ".join(students[:NAMED])) + more


def _plain(text: str, most: int) -> Text:
    """What somebody wrote, as text: no markup, and nothing that moves a terminal's cursor or changes its title."""
    cut = f"\n… ({len(text) - most} characters more; read it in formgrader)" if len(text) > most else ""
    return Text(_shown(text[:most]) + cut)


def _shown(text: str) -> str:
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)


class ClassBar:
    """How far a class is: in a terminal a bar with the counts and the time left, elsewhere a line a submission."""

    def __init__(self, title: str, bar: Progress | None, total: int) -> None:
        self.title, self.bar = title, bar
        self.failed = self.unchanged = 0
        self.closed = False
        self.task = bar.add_task(title, total=total, running=0, failed=0) if bar else None

    def __call__(self, student: str, said: str) -> None:
        """A submission is done with: "" where all went well, "unchanged", or what is wrong with it."""
        self.unchanged += said == Status.UNCHANGED
        self.failed += said not in (Status.OK, Status.UNCHANGED)
        if self.bar and self.task is not None:
            self.bar.update(self.task, advance=1, failed=self.failed)
        elif said != Status.UNCHANGED:
            console.print(f"{self.title}: {student} {said or 'done'}")

    def busy(self, count: int) -> None:
        """So many submissions are under way."""
        if self.bar and self.task is not None:
            self.bar.update(self.task, running=count)

    def close(self) -> None:
        """Take the bar away and say in a line what was not run again; once."""
        if self.bar:
            self.bar.stop()
        if self.unchanged and not self.closed:
            console.print(f"{self.title}: {self.unchanged} unchanged, not run again (--force runs all)")
        self.closed = True


@contextmanager
def class_progress(title: str, total: int) -> Iterator[ClassBar]:
    """Show how a class comes on; the bar is gone at the end, lines stay."""
    counts = TextColumn(
        "{task.completed:.0f} of {task.total:.0f} done, {task.fields[running]} running, "
        "{task.fields[failed]} failed, time left"
    )
    columns = (TextColumn("{task.description}"), BarColumn(), counts, TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) if console.is_terminal else nullcontext() as bar:
        shown = ClassBar(title, bar, total)
        yield shown
    shown.close()


@contextmanager
def progress(title: str, total: int) -> Iterator[Callable[[str, str], None]]:
    """A bar with time left in a terminal, a line a student elsewhere; call it with a student and what became of it."""
    if not console.is_terminal:
        yield lambda student, status: console.print(f"{title}: {student} {status or 'done'}".rstrip())
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda student, status: bar.update(task, advance=1, description=f"{title} {student} {status}".rstrip())
