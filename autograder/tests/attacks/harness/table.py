"""The table: each attack against plain nbgrader and against this grader, a few words a cell."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TextIO

from autograder.course.course import Course
from autograder.execution.sandbox import loaded
from autograder.kernels import launcher
from autograder.tests.attacks.harness import ours, plain
from autograder.tests.attacks.harness.attack import Attack, found
from autograder.tests.attacks.harness.outcome import Outcome, faults, gained, lost
from autograder.tests.attacks.harness.scene import scene
from autograder.tests.support import ROOT

HELD, KEPT, NONE = "held", "marks kept", "–"
HONEST = "honest"  # how the names of attacks begin that are none
PATIENCE = 300.0  # seconds for one attack on both graders, with everything round it


@dataclass(frozen=True)
class Row:
    """One attack and how both graders fared."""

    attack: str
    plain: str
    ours: str


def in_words(attack: Attack, outcome: Outcome) -> str:
    """What became of an attack, in a few words; it starts with `held` or `marks kept` where nothing gave way."""
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
    return ": ".join([HELD, *[", ".join(verdicts)] * bool(verdicts)])


def _verdict(outcome: Outcome, name: str) -> str:
    mark = outcome.marks[name]
    return mark.word + (f" ({mark.reason})" if mark.reason else "")


def our_words(attack: Attack, outcome: Outcome) -> str:
    """The same of our grader, which is held to every word that the attack expects."""
    wrong = faults(attack, outcome)
    said = in_words(attack, outcome)
    return f"**not as expected**: {said}" if wrong and said.startswith((HELD, KEPT)) else said


def row(attack: Attack, with_plain: bool) -> Row:
    """Run one attack."""
    with scene(attack) as place:
        mine = our_words(attack, ours.grade(place))
    theirs = NONE
    if with_plain:
        with scene(attack) as place:
            theirs = in_words(attack, plain.grade(place))
    return Row(attack.title, theirs, mine)


def markdown(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table, and a line that counts."""
    lines = ["| attack | plain nbgrader | autograder |", "|---|---|---|"]
    lines += [f"| {row.attack} | {row.plain} | {row.ours} |" for row in rows]
    counts = {"plain nbgrader": [row.plain for row in rows], "autograder": [row.ours for row in rows]}
    said = [f"{name} holds in {_holding(cells)}" for name, cells in counts.items() if set(cells) != {NONE}]
    return "\n".join([*lines, "", f"Of {len(rows)} attacks {', '.join(said)}."])


def _holding(cells: Sequence[str]) -> int:
    return sum(cell.startswith((HELD, KEPT)) for cell in cells)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the table and print it; gives 1 where our grader gave way."""
    parser = argparse.ArgumentParser(prog="python -m autograder.tests.attacks", description=__doc__)
    parser.add_argument("--ours-only", action="store_true", help="leave plain nbgrader out")
    parser.add_argument("--only", action="append", metavar="NAME", help="run this attack; may be given several times")
    parser.add_argument("--json", action="store_true", help="print rows as JSON lines; runs in this very process")
    chosen = parser.parse_args(arguments)
    unknown = set(chosen.only or ()) - set(found())
    if unknown:
        parser.error(f"no such attack: {', '.join(sorted(unknown))}")
    attacks = {name: attack for name, attack in found().items() if not chosen.only or name in chosen.only}
    if chosen.json:
        for attack in attacks.values():
            _say(json.dumps(asdict(row(attack, not chosen.ours_only))))
        return 0
    rows = side_by_side(attacks, lambda attack: _apart(attack, chosen.ours_only))
    _say(markdown(rows))
    return int(any(not row.ours.startswith((HELD, KEPT)) for row in rows))


def side_by_side(attacks: Mapping[str, Attack], run: Callable[[Attack], Row]) -> list[Row]:
    """Run attacks two at a time; rows come in the order of the attacks, and progress goes to standard error."""
    rows = []
    with ThreadPoolExecutor(2) as pool:
        for done in pool.map(run, attacks.values()):
            rows.append(done)
            _say(f"{len(rows)}/{len(attacks)} {done.attack}: {done.plain} | {done.ours}", sys.stderr)
    return rows


def _apart(attack: Attack, ours_only: bool) -> Row:
    """Run one attack in a process of its own: whatever it does to its grader, the table goes on."""
    command = [sys.executable, "-m", "autograder.tests.attacks", "--json", "--only", attack.name]
    try:
        done = subprocess.run(
            command + ["--ours-only"] * ours_only,
            capture_output=True,
            timeout=PATIENCE,
            start_new_session=True,
            env={**os.environ, **launcher.shared(launcher.server(loaded(Course.at(ROOT).limits)))},
        )
        return Row(**json.loads(done.stdout.decode().splitlines()[-1]))
    except subprocess.TimeoutExpired:
        return Row(attack.title, NONE, "**never ended**")
    except (ValueError, IndexError):
        return Row(attack.title, NONE, f"**broke the grader**: {done.stderr.decode().strip().splitlines()[-1:]}")


def _say(text: str, stream: TextIO | None = None) -> None:
    stream = stream or sys.stdout
    stream.write(f"{text}\n")
    stream.flush()
