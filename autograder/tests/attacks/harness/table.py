"""The table: each attack against plain nbgrader and against this grader, a few words a cell."""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import TextIO
from unittest.mock import patch

import nbgrader.api

from autograder.course.course import Course
from autograder.execution.sandbox import loaded
from autograder.kernels import launcher
from autograder.tests.attacks.harness import by_nbgrader, grid, ours, plain
from autograder.tests.attacks.harness.attack import Attack, found
from autograder.tests.attacks.harness.faults import main as run_faults
from autograder.tests.attacks.harness.grid import Cell
from autograder.tests.attacks.harness.outcome import Outcome, faults, gained, lost
from autograder.tests.attacks.harness.scene import scene
from autograder.tests.attacks.harness.templates import template, templates_of_a_run
from autograder.tests.support import ROOT, START_UP

NO_GAIN, KEPT, NONE = "no gain", "marks kept", "–"
DECIDED = "decided by the student's object"
RESISTED = (NO_GAIN, KEPT, DECIDED)  # how a row begins if the grader did as it promises
HONEST = "honest"  # how the names of attacks begin that are none
NOT_ASKED = "ask for them with --grid, or --user, --shape and --way"
KILLS = 200  # processes that --faults kills
A_FEW = 12  # attacks that one process runs
PATIENCE = 300.0  # seconds for one attack on both graders, with everything round it


@dataclass(frozen=True)
class Row:
    """One attack and how both graders fared."""

    attack: str
    plain: str
    ours: str
    decided: bool = False


def in_words(attack: Attack, outcome: Outcome) -> str:
    """What became of an attack, in a few words; it starts with `no gain` or `marks kept` if the grader resisted."""
    said = list(outcome.trouble)
    if won := [outcome.marks[name] for name in gained(attack, outcome)]:
        said.append(attack.gain if any(mark.full for mark in won) else "partial marks")
    said += ["honest mark lost"] * bool(lost(attack, outcome))
    if said:
        return ", ".join(said)
    names = [name for name in outcome.marks if attack.expected(name) and not attack.must_earn(name)]
    verdicts = dict.fromkeys(
        _verdict(outcome, name) for name in names if outcome.marks[name].word not in ("", "closed")
    )
    if attack.name.startswith(HONEST):
        return KEPT
    if attack.decided:
        return DECIDED
    return ": ".join([NO_GAIN, *[", ".join(verdicts)] * bool(verdicts)])


def _verdict(outcome: Outcome, name: str) -> str:
    mark = outcome.marks[name]
    return mark.word + (f" ({mark.reason})" if mark.reason else "")


def our_words(attack: Attack, outcome: Outcome) -> str:
    """The same of our grader, whose words must all be as the attack expects."""
    wrong = faults(attack, outcome)
    said = in_words(attack, outcome)
    return f"**not as expected**: {said}" if wrong and said.startswith(RESISTED) else said


def row(attack: Attack, cell: Cell, with_plain: bool) -> Row:
    """Run one attack in a cell of the grid."""
    with scene(attack) as place:
        outcome = by_nbgrader.grade(place, cell.sandbox) if cell.way == "nbgrader" else ours.grade(place, cell.sandbox)
        mine = our_words(attack, outcome)
    theirs = NONE
    if with_plain:
        with scene(attack) as place:
            theirs = in_words(attack, plain.grade(place))
    return Row(attack.title, theirs, mine, attack.decided)


def markdown(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table, and a line that counts; tests that leave the verdict to a student come last."""
    decided, rows = [row for row in rows if row.decided], [row for row in rows if not row.decided]
    lines = _table(rows)
    counts = {"plain nbgrader": [row.plain for row in rows], "autograder": [row.ours for row in rows]}
    said = [f"{name} resisted {_resisted(cells)}" for name, cells in counts.items() if set(cells) != {NONE}]
    lines += ["", f"Of {len(rows)} attacks {', '.join(said)}."]
    if decided:
        lines += ["", "Assertions that the student's own object decides; `autograder check` names them:", ""]
        lines += _table(decided)
    return "\n".join(lines)


def _table(rows: Sequence[Row]) -> list[str]:
    head = ["| attack | plain nbgrader | autograder |", "|---|---|---|"]
    return head + [f"| {row.attack} | {row.plain} | {row.ours} |" for row in rows]


def _resisted(cells: Sequence[str]) -> int:
    return sum(cell.startswith(RESISTED) for cell in cells)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the table and print it; gives 1 where our grader gave way."""
    parser = argparse.ArgumentParser(prog="python -m autograder.tests.attacks", description=__doc__)
    parser.add_argument("--ours-only", action="store_true", help="leave plain nbgrader out")
    parser.add_argument("--only", action="append", metavar="NAME", help="run this attack; may be given several times")
    parser.add_argument("--grid", action="store_true", help="run every cell of the grid that this machine can run")
    parser.add_argument("--user", choices=grid.USERS, default=grid.this_user(), help="run the cells of this user")
    parser.add_argument("--shape", choices=grid.SHAPES, help="run the cells of this shape; the default is the faster")
    parser.add_argument("--way", choices=tuple(grid.WAYS), default="autograder", help="grade by this command")
    parser.add_argument("--faults", nargs="?", type=int, const=KILLS, metavar="N", help="kill N processes instead")
    parser.add_argument("--json", action="store_true", help="print rows as JSON lines; runs in this very process")
    chosen = parser.parse_args(arguments)
    with templates_of_a_run():
        return _run(parser, chosen)


def _run(parser: argparse.ArgumentParser, chosen: argparse.Namespace) -> int:
    if chosen.faults:
        report = run_faults(chosen.faults)
        _say("\n".join(report.lines()))
        return int(bool(report.wrong))
    unknown = set(chosen.only or ()) - set(found())
    if unknown:
        parser.error(f"no such attack: {', '.join(sorted(unknown))}")
    attacks = {name: attack for name, attack in found().items() if not chosen.only or name in chosen.only}
    if chosen.json:
        _run_here(attacks.values(), Cell(grid.this_user(), chosen.shape, chosen.way), not chosen.ours_only)
        return 0
    shape = chosen.shape or ("cold" if grid.problem(Cell(chosen.user, "warm", chosen.way)) else "warm")
    return _run_cells([Cell(chosen.user, shape, chosen.way)], attacks, chosen.ours_only, chosen.grid)


def _run_here(attacks: Iterable[Attack], cell: Cell, with_plain: bool) -> None:
    """Run attacks in this process; print a row as JSON after each."""
    known = cache(nbgrader.api.get_alembic_version)  # nbgrader starts a process to ask for it
    with patch.object(nbgrader.api, "get_alembic_version", known):
        for attack in attacks:
            _say(json.dumps(asdict(row(attack, cell, with_plain))))


def _run_cells(first: Sequence[Cell], attacks: Mapping[str, Attack], ours_only: bool, whole: bool) -> int:
    """Run the attacks in one cell, or in all; print the table of the first, and which cells were run."""
    for notebook in dict.fromkeys(attack.notebook for attack in attacks.values()):
        template(notebook)
    problems = {cell: grid.problem(cell) for cell in (*first, *(grid.ALL if whole else ()))}
    resisted: dict[Cell, list[bool]] = {}
    for cell in (cell for cell, why in problems.items() if not why):
        with_plain = not ours_only and not resisted
        rows = side_by_side(attacks, partial(apart, cell=cell, with_plain=with_plain))
        resisted[cell] = [row.ours.startswith(RESISTED) for row in rows]
        shown = rows if len(resisted) == 1 else [row for row in rows if not row.ours.startswith(RESISTED)]
        if shown:
            _say(f"{cell.title}:\n\n{markdown(shown)}\n")
    asked = {cell: problems.get(cell) or NOT_ASKED for cell in grid.ALL if cell not in resisted}
    _say(grid.markdown(resisted, asked))
    return int(not resisted or not all(map(all, resisted.values())))


def side_by_side(attacks: Mapping[str, Attack], run: Callable[[Sequence[Attack]], Iterable[Row]]) -> list[Row]:
    """Run attacks in two processes at a time; rows come in the order of the attacks, progress to standard error.

    Args:
        attacks: The attacks by name.
        run: Yields the rows of a few attacks on one notebook, in their order.
    """
    rows: dict[str, Row] = {}

    def run_few(few: Sequence[Attack]) -> None:
        for attack, row in zip(few, run(few), strict=True):
            rows[attack.name] = row
            _say(f"{len(rows)}/{len(attacks)} {row.attack}: {row.plain} | {row.ours}", sys.stderr)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run_few, _few_at_a_time(attacks.values())))
    return [rows[name] for name in attacks]


def _few_at_a_time(attacks: Iterable[Attack]) -> Iterator[Sequence[Attack]]:
    """Yield attacks on the same notebook, so many that to start their process costs little beside them."""
    for notebook in dict.fromkeys(attack.notebook for attack in attacks):
        same = [attack for attack in attacks if attack.notebook == notebook]
        yield from (same[start : start + A_FEW] for start in range(0, len(same), A_FEW))


def apart(attacks: Sequence[Attack], cell: Cell, with_plain: bool) -> Iterator[Row]:
    """Run attacks in a separate process. After one that ends it, or that never ends, a new process runs the others."""
    left = list(attacks)
    while left:
        for row in _rows_of_a_process(left, cell, with_plain):
            del left[0]
            yield row


def _rows_of_a_process(attacks: Sequence[Attack], cell: Cell, with_plain: bool) -> Iterator[Row]:
    """Yield the rows of a process until it has run the attacks, or one of them has ended it."""
    with tempfile.TemporaryDirectory(prefix="attack-user-") as folder, tempfile.TemporaryFile("w+") as errors:
        command, own = _command(attacks, cell, with_plain, Path(folder))
        own = {**own, "PYTHONPATH": str(START_UP)}  # as for the tests' processes
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, start_new_session=True, cwd=ROOT, env=os.environ | own
        )
        with process:
            for attack in attacks:
                line, in_time = _line(process)
                if not line:
                    errors.seek(0)
                    broken = f"**broke the grader**: {errors.read().strip().splitlines()[-1:]}"
                    yield Row(attack.title, NONE, broken if in_time else "**never ended**")
                    return
                yield Row(**json.loads(line))


def _command(
    attacks: Sequence[Attack], cell: Cell, with_plain: bool, folder: Path
) -> tuple[Sequence[str], Mapping[str, str]]:
    """Return the command that runs attacks in a cell of the grid, and its environment variables.

    Args:
        attacks: The attacks.
        cell: The cell.
        with_plain: Run them against plain nbgrader, too.
        folder: A folder that nothing else uses.
    """
    words = ["--json", "--shape", cell.shape, "--way", cell.way, *["--ours-only"] * (not with_plain)]
    words += [word for attack in attacks for word in ("--only", attack.name)]
    if cell.is_apart:
        return grid.as_ordinary_user(words, folder), grid.ENVIRONMENT
    server = launcher.server(loaded(Course.at(ROOT).limits), cell.shape)  # one of the same user shares it
    return [sys.executable, "-m", "autograder.tests.attacks", *words], launcher.shared(server)


def _line(process: "subprocess.Popen[bytes]") -> tuple[bytes, bool]:
    """Return a process' next line, and whether it was written in time; else end the process and all that it started."""
    assert process.stdout
    timer, started = threading.Timer(PATIENCE, os.killpg, (process.pid, signal.SIGKILL)), time.monotonic()
    timer.start()
    line = process.stdout.readline()
    timer.cancel()
    return line, time.monotonic() - started < PATIENCE


def _say(text: str, stream: TextIO | None = None) -> None:
    stream = stream or sys.stdout
    stream.write(f"{text}\n")
    stream.flush()
