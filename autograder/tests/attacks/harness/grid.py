"""The grid of the attacks: who runs the grader, in which shape of the sandbox, and by which command."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from autograder.course.limits import Sandbox
from autograder.errors import NoSandboxError
from autograder.kernels import bubblewrap
from autograder.kernels import launcher as launcher
from autograder.kernels.launcher import Loaded
from autograder.kernels.limits import KERNELS
from autograder.tests.attacks.harness.templates import FOLDER
from autograder.tests.support import ROOT

USERS, SHAPES = ("root", "ordinary user"), ("warm", "cold")
WAYS = {"autograder": "autograder grade", "nbgrader": "nbgrader autograde"}
ENVIRONMENT = {"HOME": "/tmp", "TMPDIR": "/tmp", "PYTHONDONTWRITEBYTECODE": "1"}  # of an ordinary user
ORDINARY = 65534  # the id of one that root can become
AS_USER = f"""
import sys
from autograder.kernels.forks import become
from autograder.kernels.linux import NODEV, NOEXEC, NOSUID, mount
mount("proc", "/proc", "proc", NOSUID | NODEV | NOEXEC)
become({ORDINARY})
from autograder.tests.attacks.harness.table import main
sys.exit(main(sys.argv[1:]))
"""


@dataclass(frozen=True)
class Cell:
    """One cell of the grid."""

    user: str
    shape: str
    way: str

    @property
    def title(self) -> str:
        """Return the cell in words."""
        return f"{WAYS[self.way]}, {self.shape}, {self.user}"

    @property
    def sandbox(self) -> Sandbox:
        """Return the shape as a setting."""
        return "warm" if self.shape == "warm" else "cold"

    @property
    def is_apart(self) -> bool:
        """Return whether the cell needs another user than this process has."""
        return self.user != this_user()


ALL = tuple(Cell(*parts) for parts in product(USERS, SHAPES, WAYS))


def this_user() -> str:
    """Return which user this process is."""
    return USERS[0] if os.geteuid() == 0 else USERS[1]


def problem(cell: Cell) -> str:
    """Return why a cell cannot be run here, or ""."""
    if cell.is_apart and os.geteuid() != 0:
        return "this process is not root"
    try:
        launcher.server(Loaded(), cell.sandbox)
    except NoSandboxError as error:
        return str(error).rstrip(".")
    return ""


def as_ordinary_user(words: Sequence[str], folder: Path) -> list[str]:
    """Return the command with which root runs the attacks as an ordinary user.

    Root's own Python need not be readable for others: bubblewrap shows it to the user, and the templates of this run.

    Args:
        words: The arguments of the attacks' command.
        folder: A folder that nothing else uses.
    """
    templates = Path(os.environ[FOLDER])
    reachable = ["--perms", "0755", "--dir", str(templates.parent)]
    shown = ["--ro-bind", str(ROOT), str(ROOT), "--ro-bind", str(templates), str(templates), "--chdir", str(ROOT)]
    return [*bubblewrap.wall(folder, KERNELS), *reachable, *shown, "--", sys.executable, "-c", AS_USER, *words]


def markdown(resisted: Mapping[Cell, Sequence[bool]], problems: Mapping[Cell, str]) -> str:
    """Return the grid as a Markdown table that says which cells were run.

    Args:
        resisted: For each cell that was run, whether the grader did as promised, by attack.
        problems: Why cells were not run.
    """
    lines = [f"| | {' | '.join(WAYS.values())} |", "|---|---|---|"]
    for user, shape in product(USERS, SHAPES):
        lines.append(
            f"| {user}, {shape} | {' | '.join(_words(resisted.get(Cell(user, shape, way))) for way in WAYS)} |"
        )
    return "\n".join([*lines, *_reasons(problems)])


def _words(cells: Sequence[bool] | None) -> str:
    return "not run" if cells is None else f"{sum(cells)} of {len(cells)} as expected"


def _reasons(problems: Mapping[Cell, str]) -> Iterable[str]:
    for reason in dict.fromkeys(problems.values()):
        cells = "; ".join(cell.title for cell, why in problems.items() if why == reason)
        yield f"\nNot run: {cells} ({reason})."
