"""What a course keeps inside a folder that kernels see is hidden from them."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from autograder.course.limits import Limits
from autograder.execution.runner import run
from autograder.kernels import bubblewrap

LOOK = """import os, numpy
seen = [path for path in PATHS if os.path.exists(path + "/gradebook.db")]
print(seen, os.listdir(PATHS[0]) if os.path.isdir(PATHS[0]) else "gone")"""


@pytest.fixture(params=["/usr/lib", "/usr/share", "/usr/local/share", sys.prefix])
def course(request: pytest.FixtureRequest) -> Iterator[Path]:
    if not os.access(request.param, os.W_OK):
        pytest.skip(f"{request.param} cannot be written")
    folder = Path(tempfile.mkdtemp(prefix="autograder-test-", dir=request.param))
    (folder / "gradebook.db").touch()
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.kernel
@pytest.mark.parametrize("shape", ["warm", "cold"])
def test_a_course_is_hidden_wherever_it_is(course: Path, shape: Literal["warm", "cold"]) -> None:
    cell = new_code_cell(LOOK.replace("PATHS", repr([str(course)])))
    ran = run(new_notebook(cells=[cell]), (), {}, Limits(sandbox=shape, hidden=(str(course),)))
    assert ran.notebook.cells[0].outputs[0].text in ("[] []\n", "[] gone\n")


def test_a_folder_is_covered_where_it_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown, course = tmp_path / "python", tmp_path / "python" / "course"
    course.mkdir(parents=True)
    (tmp_path / "link").symlink_to(shown)
    monkeypatch.setattr(bubblewrap, "shown_folders", lambda: [shown, tmp_path / "link", course / "venv"])
    assert bubblewrap.covers(course) == [course, tmp_path / "link" / "course"]
    assert bubblewrap.covers(tmp_path) == []
    assert bubblewrap.covers(tmp_path / "elsewhere") == []
    assert bubblewrap.needed_in(course) is None
    assert bubblewrap.needed_in(shown) == shown
    assert bubblewrap.needed_in(tmp_path) is None


def test_an_environment_inside_a_hidden_folder_is_still_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    course, own = tmp_path / "course", tmp_path / "course" / "venv"
    own.mkdir(parents=True)
    monkeypatch.setattr(bubblewrap, "system_folders", lambda: [tmp_path])
    monkeypatch.setattr(bubblewrap, "python_folders", lambda: [own])
    command = bubblewrap.wall(tmp_path, Path("/run/kernels"), hidden=[str(course)])
    place = command.index(str(course), command.index("--tmpfs", command.index(str(own)) + 1))
    assert command[place - 1] == "--tmpfs"
    assert command.index("--ro-bind", place) < command.index(str(own), place) < command.index("--remount-ro", place)
