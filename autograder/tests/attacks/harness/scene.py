"""A course folder with one attack handed in, and everything around it that must stay as it is."""

import os
import shutil
import signal
import socket
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.tests.attacks.harness.attack import Attack
from autograder.tests.attacks.harness.templates import ASSIGNMENT, CLASSMATE, answer, right, template

ATTACKER = "mallory"  # nbgrader grades this student before the classmate
SECRET = "ATTACK_SECRET"  # an environment variable of the grader's own


class Scene:
    """One attack in place. `course` is its folder; `mark` is unlike anything else on this machine."""

    def __init__(self, attack: Attack, folder: Path) -> None:
        self.attack = attack
        self.course, self.outside = folder / "course", folder / "outside"
        self.mark = f"0.0{uuid.uuid4().int % 10**18:018}"  # a number too, so that `sleep 20 MARK` carries it
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        shutil.copytree(template(attack.notebook), self.course)
        self.outside.mkdir()
        self._hand_in()
        self.solution = self.source.read_bytes()

    @property
    def gradebook(self) -> Path:
        """The course's gradebook."""
        return self.course / "gradebook.db"

    @property
    def source(self) -> Path:
        """The notebook with the solution and the hidden tests."""
        return self.course / "source" / ASSIGNMENT / f"{self.attack.notebook}.ipynb"

    def submitted(self, student: str) -> Path:
        """A student's folder."""
        return self.course / "submitted" / student / ASSIGNMENT

    def left_behind(self) -> list[str]:
        """What the attack changed or left where it had no business, each in a few words."""
        if left := processes(self.mark):
            time.sleep(0.3)  # what was just killed may take a moment
            left = processes(self.mark)
        said = ["solution changed"] * (self.source.read_bytes() != self.solution)
        said += ["file outside written"] * any(self.outside.iterdir())
        said += ["process left"] * bool(left)
        return said + ["network reached"] * self._reached()

    def tidy(self) -> None:
        """End every process that the attack left, and close what was opened for it."""
        for _ in range(50):
            found = processes(self.mark)
            for pid in found:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if not found:
                break
            time.sleep(0.05)
        self.listener.close()

    def _reached(self) -> bool:
        try:
            self.listener.accept()[0].close()
        except BlockingIOError:
            return False
        return True

    def _hand_in(self) -> None:
        attack, place = self.attack, self.submitted(ATTACKER)
        place.mkdir(parents=True)
        notebook = nbformat.read(self.course / "release" / ASSIGNMENT / f"{attack.notebook}.ipynb", 4)
        answer(
            notebook,
            {name: self._filled(source) for name, source in {**right(attack.notebook), **attack.cells}.items()},
        )
        self._add_cells(notebook)
        if attack.change:
            attack.change(notebook)
        for name, content in attack.files.items():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(content if isinstance(content, bytes) else self._filled(content).encode())
        links = {name: self._filled(target) for name, target in attack.symlinks.items()}
        if f"{attack.notebook}.ipynb" not in links:
            nbformat.write(notebook, place / f"{attack.notebook}.ipynb")
        for name, target in links.items():
            (place / name).symlink_to(target)
        for name in attack.pipes:
            os.mkfifo(place / name)

    def _add_cells(self, notebook: NotebookNode) -> None:
        cells = [nbformat.v4.new_code_cell(self._filled(self.attack.first))] if self.attack.first else []
        for cell in notebook.cells:
            cells.append(cell)
            source = self.attack.extra.get(cell.metadata.get("nbgrader", {}).get("grade_id"))
            cells += [nbformat.v4.new_code_cell(self._filled(source))] if source else []
        notebook.cells = cells

    def _filled(self, text: str) -> str:
        for word, value in self._places().items():
            text = text.replace(f"@{word}@", value)
        return text

    def _places(self) -> Mapping[str, str]:
        return {
            "GRADEBOOK": str(self.gradebook),
            "SOURCE": str(self.source),
            "CLASSMATE": str(self.submitted(CLASSMATE) / f"{self.attack.notebook}.ipynb"),
            "OUTSIDE": str(self.outside),
            "PORT": str(self.listener.getsockname()[1]),
            "MARK": self.mark,
        }


@contextmanager
def scene(attack: Attack) -> Iterator[Scene]:
    """Set an attack up in a folder of its own; in the end nothing of it is left."""
    with tempfile.TemporaryDirectory(prefix="attack-", ignore_cleanup_errors=True) as folder:
        place = Scene(attack, Path(folder))
        try:
            yield place
        finally:
            place.tidy()


def processes(mark: str) -> list[int]:
    """Processes, other than this one, with the mark in their command line or environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            whole = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            if mark.encode() in whole and int(folder.name) != os.getpid() and not _is_zombie(folder):
                found.append(int(folder.name))
    return found


def _is_zombie(folder: Path) -> bool:
    return (folder / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
