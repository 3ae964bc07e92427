"""Make a student's copy of the released notebooks, and start JupyterLab and formgrader."""

import os
import shutil
import sys
from pathlib import Path
from urllib.parse import quote

from autograder.course.course import COPY, Course
from autograder.distribution import own_command
from autograder.errors import CourseError

LEARNERS = Path(__file__).with_name("lab_settings")  # no news prompt, no nbgrader tools for instructors


def own_copy(course: Course) -> Path:
    """Copy the released notebooks to my-notebooks/, keeping existing files; return the folder."""
    mine = course.root / COPY
    for assignment in course.assignments():
        released = course.folder("release", assignment)
        if not released.is_dir():
            raise CourseError(f"{released.resolve()}: nothing is released yet; run `{own_command()} release`.")
        for file in sorted(path for path in released.rglob("*") if path.is_file()):
            target = mine / assignment / file.relative_to(released)
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, target)
    return mine


def first_page(course: Course, mine: Path) -> str:
    """Return the URL path that JupyterLab opens: the first notebook of the first assignment."""
    first = min((path for name in course.graded() for path in (mine / name).glob("*.ipynb")), default=mine)
    return f"/lab/tree/{quote(first.relative_to(mine).as_posix())}" if first != mine else "/lab"


def serve(folder: Path, page: str, settings: Path | None = None) -> None:
    """Replace this process by a JupyterLab server in `folder` that opens `page`; does not return."""
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={folder}", f"--LabApp.default_url={page}"]
    command += [f"--LabApp.app_settings_dir={settings}"] if settings else []
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # containers often have no other user
    os.chdir(folder)
    os.execv(sys.executable, command)
