"""Print results in the terminal with rich: tables of marks and answers, and progress bars."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table as RichTable
from rich.text import Text

from autograder.distribution import own_command
from autograder.gradebook.queries import Key, Row, Table
from autograder.grading.review import MarkChange, Review, describe, describe_mark
from autograder.marking import Answer, Group, Question, Task
from autograder.model import Status
from autograder.submissions.collect import Collected
from autograder.text import visible

WIDTH = 200  # characters of a table that is printed to no terminal: enough for the columns of a long assignment
HEIGHT = 25  # lines of it, which nothing uses
UNBOUNDED = 10_000  # characters: wider than any table
SHORT_ID, LONGEST_ID, WIDE_ID = 12, 24, 60  # characters of an id in a very narrow table, in a table, in a wide one
LONGEST_NAME = 20  # characters of a question's or notebook's name
OPEN = "·"  # an answer that the instructor has not marked yet
LONGEST = 1500  # at most so many characters of a written answer are shown
NAMED = 4  # at most so many students of a group are listed by name

console = Console(highlight=False, soft_wrap=not Console().is_terminal)


def show_table(results: Table, picture: Path | None = None) -> None:
    """Print a table with a row for each student: marks, score and status. With `picture`, also save it as SVG.

    The student, the score and the status are always there, even if that makes the lines too long. Where the page is too
    narrow for a column for each question, the questions are folded: into a column for each notebook, then into one for
    all tests, then into none.
    """
    page = _page(record=picture is not None)
    foldings = _foldings(results)
    grids = [_grid(results, columns, WIDE_ID if page.width >= WIDTH else LONGEST_ID) for columns in foldings[:-1]]
    grids.append(_grid(results, {}, SHORT_ID, total=False))
    widest = page.options.update(width=UNBOUNDED)
    widths = [page.measure(grid, options=widest).maximum for grid in grids]
    chosen = next((place for place, width in enumerate(widths) if width <= page.width), len(grids) - 1)
    page.width = max(page.width, widths[chosen])
    page.print(grids[chosen])
    if chosen:
        page.print(f"Too narrow for a column for each question; `{own_command()} export` writes them all.")
    page.print(f"{OPEN} means not marked yet. Late penalties are already subtracted from the scores.")
    if picture:
        page.save_svg(str(picture), title="autograder demo")


def _page(record: bool = False) -> Console:
    """Return where a table is printed: as wide as COLUMNS says, else as the terminal, else `WIDTH`."""
    return Console(highlight=False, width=shutil.get_terminal_size((WIDTH, HEIGHT)).columns, record=record)


def _foldings(results: Table) -> list[dict[str, list[str]]]:
    """Return the columns of marks, each with the questions that it sums up, from the widest table to the narrowest."""
    tests = [name for name in results.points if name not in results.written]
    written = [name for name in results.points if name in results.written]
    end = {"written": written} if written else {}
    notebooks: dict[str, list[str]] = {}
    for name in tests:
        notebook, _ = results.cells.get(name, ("tests", ""))
        notebooks.setdefault(notebook, []).append(name)
    return [{name: [name] for name in tests} | end, notebooks | end, {"tests": tests} | end, {}]


def _grid(results: Table, columns: Mapping[str, Sequence[str]], longest: int, total: bool = True) -> RichTable:
    """Return the table with these columns of marks, each the sum of some questions.

    Args:
        results: The results.
        columns: The questions of each column, by its name.
        longest: The most characters of a student's id.
        total: Whether there is a column for the points of the assignment.
    """
    title = Text(_shown(f"{results.assignment}: {len(results.rows)} students"), "italic")
    grid = RichTable(title=title, title_justify="left", pad_edge=False)
    grid.add_column("student", no_wrap=True)
    for name in (*columns, "score", *(["of"] if total else [])):
        grid.add_column(Text(_cut(name, LONGEST_NAME)), justify="right", no_wrap=True)
    grid.add_column("status", no_wrap=True)
    for row in results.rows:
        marks = [_sum(row, names) for names in columns.values()]
        grid.add_row(Text(_cut(row.student, longest)), *marks, *_end(row, total))
    return grid


def _cut(name: str, most: int) -> str:
    """Return a name on one line, without control characters, and without its middle if it is too long."""
    clean = visible(name)
    half = (most - 1) // 2
    return clean if len(clean) <= most else f"{clean[: most - 1 - half]}…{clean[-half:]}"


def show_collected(results: Sequence[Collected]) -> None:
    """Print what was collected for each student, with the messages about the student's files."""
    for one in results:
        counts = [_count(len(one.notebooks), "notebook")]
        counts += [_count(len(one.others), "other file")] if one.others else []
        counts += [f"handed in {one.handed_in}"] if one.handed_in and one.notebooks else []
        console.print(Text(f"{_cut(one.student, WIDE_ID)}: {', '.join(counts)}" if one.student else "unmatched files:"))
        for sentence in one.messages:
            console.print(Text(_shown(f"  {sentence}")))


def proving(notebook: str) -> None:
    """Print that the tests of a notebook are proved, which takes as long as grading two submissions."""
    console.print(f"proving the tests of {notebook}")


def show_open(unproved: Sequence[str], opened: Mapping[tuple[str, str, str], int]) -> None:
    """Print which tests judged nobody, and which could not judge some answers.

    Args:
        unproved: A sentence for each test that judged nobody.
        opened: How many answers a test could not judge, by notebook, test and reason.
    """
    if not unproved and not opened:
        return
    console.print("These answers have no marks yet; mark them in formgrader, or fix the test and grade again:")
    for sentence in unproved:
        console.print(Text(_shown(f"  {sentence}")))
    for (notebook, cell, reason), count in opened.items():
        console.print(Text(_shown(f"  {notebook}.ipynb: cell {cell} ({_count(count, 'answer')}): {reason}")))


def _sum(row: Row, names: Sequence[str]) -> str:
    """Return the sum of some marks, or that one of them is not marked yet."""
    marks = [row.marks[name] for name in names]
    known = [mark for mark in marks if mark is not None]
    return f"{sum(known):g}" if len(known) == len(marks) else OPEN


def _end(row: Row, total: bool) -> list[str]:
    score = "" if row.score is None else f"{row.score:g}"
    return [score, *([f"{row.max_score:g}"] if total else []), row.status]


def _mark(mark: float | None) -> str:
    return OPEN if mark is None else f"{mark:g}"


def show_review(review: Review) -> None:
    """Print what regrading would change: each changed mark with its reason, and how many students keep theirs."""
    page = _page()
    if review.changed:
        page.print(Text(f"changed since they were graded: {', '.join(map(describe, review.changed))}"))
    if review.moves:
        page.print(_moves(review.moves, review.names))
    students = len({move.student for move in review.moves})
    summary = f"{_count(len(review.moves), 'mark')} of {_count(students, 'student')} would change; "
    summary += (
        f"{_count(len(review.same), 'student')} would keep all marks; {len(review.first)} graded for the first time"
    )
    page.print(Text(summary))


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
        grid.add_row(Text(_cut(move.student, LONGEST_ID)), names.get(move.question, cell), *marks, now, why)
    return grid


def show_answers(questions: Sequence[Question], all_groups: bool) -> None:
    """Print each question's marking scheme and its groups of answers: those with unmarked answers, or all groups."""
    page = _page()
    for question in questions:
        groups = [group for group in question.groups if all_groups or group.open]
        answers, unmarked = sum(len(group.answers) for group in question.groups), sum(g.open for g in question.groups)
        title = f"{question.name} ({_count(question.points, 'point')}): {answers} answers, {unmarked} not marked yet"
        page.print(Text(title, "bold"))
        page.print(_plain(question.scheme, LONGEST), style="italic") if question.scheme else None
        if groups:
            page.print(_answers(groups))
        if question.unread:
            page.print(Text(f"could not be read, so not in any group: {_some(question.unread)}"))
        page.print()


def show_tasks(tasks: Sequence[Task]) -> None:
    """Print one sentence that names the task cells, with the marks that each of them still needs."""
    named = (f"{task.name} ({_count(task.points, 'point')}, {len(task.unmarked)} not marked yet)" for task in tasks)
    verb = "is" if len(tasks) == 1 else "are"
    sentence = f"{_count(len(tasks), 'task cell')} {verb} marked in formgrader: {', '.join(named)}"
    Console(highlight=False).print(Text(sentence), soft_wrap=True)


def _count(number: float, thing: str) -> str:
    return f"{number:g} {thing}" if number == 1 else f"{number:g} {thing}s"


def _answers(groups: Sequence[Group]) -> RichTable:
    grid = RichTable(pad_edge=False, show_lines=True)
    grid.add_column("group", no_wrap=True)
    for name in ("students", "mark"):
        grid.add_column(name, justify="right", no_wrap=True)
    grid.add_column("answer and students", ratio=1, overflow="fold")
    for group in groups:
        text = _plain(group.text, LONGEST) if group.text else Text("(unanswered)", "italic")
        students = Text(f"\n{_some([answer.student for answer in group.answers])}", "dim")
        grid.add_row(group.name, str(len(group.answers)), _marks(group.answers), text + students)
    return grid


def _marks(answers: Sequence[Answer]) -> str:
    """Return the mark of a group; if its answers have different marks, each mark with its count."""
    times = Counter(_mark(answer.mark) for answer in answers)
    return next(iter(times)) if len(times) == 1 else ", ".join(f"{mark} ({n})" for mark, n in sorted(times.items()))


def _some(students: Sequence[str]) -> str:
    more = f" and {len(students) - NAMED} more" if len(students) > NAMED else ""
    return _shown(", ".join(students[:NAMED])) + more


def _plain(text: str, most: int) -> Text:
    """Return a student's text without markup and without control characters, which could change the terminal."""
    cut = f"\n… ({len(text) - most} more characters; read them in formgrader)" if len(text) > most else ""
    return Text(_shown(text[:most]) + cut)


def _shown(text: str) -> str:
    return visible(text, keep="\n")


class ClassBar:
    """Show the progress of a class: in a terminal as a bar, elsewhere as a line for each submission."""

    def __init__(self, title: str, bar: Progress | None, total: int) -> None:
        self.title, self.bar = title, bar
        self.failed = self.unchanged = 0
        self.closed = False
        self.task = bar.add_task(title, total=total, running=0, failed=0) if bar else None

    def __call__(self, student: str, status: str) -> None:
        """Count a submission as done; `status` is "" if all went well, "unchanged", or what is wrong with it."""
        self.unchanged += status == Status.UNCHANGED
        self.failed += status not in (Status.OK, Status.UNCHANGED)
        if self.bar and self.task is not None:
            self.bar.update(self.task, advance=1, failed=self.failed)
        elif status != Status.UNCHANGED:
            console.print(Text(f"{self.title}: {_cut(student, WIDE_ID)} {status or 'done'}"))

    def busy(self, count: int) -> None:
        """Set how many submissions are being graded."""
        if self.bar and self.task is not None:
            self.bar.update(self.task, running=count)

    def close(self) -> None:
        """Remove the bar and print how many submissions were not run again. A second call prints nothing."""
        if self.bar:
            self.bar.stop()
        if self.unchanged and not self.closed:
            console.print(f"{self.title}: {self.unchanged} unchanged, not run again (--force runs all)")
        self.closed = True


@contextmanager
def class_progress(title: str, total: int) -> Iterator[ClassBar]:
    """Show the progress of a class; the bar disappears at the end, lines stay."""
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
    """Show a bar in a terminal, elsewhere a line per student. Call the result with a student and a status."""
    if not console.is_terminal:
        yield lambda student, status: console.print(Text(f"{title}: {_cut(student, WIDE_ID)} {status or 'done'}"))
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda student, status: bar.update(
            task, advance=1, description=escape(f"{title} {_cut(student, LONGEST_ID)} {status}".rstrip())
        )
