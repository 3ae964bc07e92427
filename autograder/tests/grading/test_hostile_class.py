"""A class in which every third submission is hostile or broken is graded to the end, with every honest mark right."""

import shutil
from pathlib import Path

import nbformat
import pytest

from autograder.course.course import Course
from autograder.course.limits import Limits
from autograder.gradebook.queries import table
from autograder.grading.class_run import ClassRun
from autograder.tests.support import kernels

pytestmark = [pytest.mark.kernel, pytest.mark.xdist_group("plain")]
HONEST = {"x = 42": 2, "x = 6 * 7": 2, "x = 41": 0, "x = 21": 1, "x = ...": 0, "import math\nx = math.lcm(6, 21)": 2}
LOOP = "import signal\nfor s in (1, 2, 15): signal.signal(s, signal.SIG_IGN)\nwhile True: pass"
HOSTILE = {
    "loop": (LOOP, "timeout"),
    "exit": ("import os\nos._exit(0)", "crash"),
    "flood": ("while True: print('x' * 10000)", "output"),
    "hook": (
        "import sys\nsys.displayhook(3.0)\nget_ipython().ast_transformers.append(None)\nx = type('Y', (), {})()",
        "",
    ),
    "memory": ("import numpy as np\nx = np.ones(1 << 50)", "memory"),
    "fault": ("import ctypes\nctypes.string_at(0)", "crash"),
}
BROKEN = {"truncated": b'{"cells": [', "empty": b"", "list": b"[1, 2]", "latin": "{'é'".encode("latin-1")}


@pytest.fixture(scope="module")
def course(ungraded: Path, tmp_path_factory: pytest.TempPathFactory) -> Course:
    """Two honest students, then one who is not, and so on."""
    root = tmp_path_factory.mktemp("hostile") / "course"
    shutil.copytree(ungraded, root)
    shutil.rmtree(root / "submitted")
    released = nbformat.read(root / "release" / "ps1" / "one.ipynb", 4)
    crooked = [*HOSTILE, *BROKEN]
    for number, name in enumerate(crooked):
        for honest in (2 * number, 2 * number + 1):
            _hand_in(root, f"honest-{honest:02}", released, list(HONEST)[honest % len(HONEST)])
        if name in HOSTILE:
            _hand_in(root, name, released, HOSTILE[name][0])
        else:
            (root / "submitted" / name / "ps1").mkdir(parents=True)
            (root / "submitted" / name / "ps1" / "one.ipynb").write_bytes(BROKEN[name])
    return Course.at(root)


def _hand_in(root: Path, student: str, released: nbformat.NotebookNode, answer: str) -> None:
    notebook = nbformat.from_dict(released)
    notebook.cells[0].source = answer
    (root / "submitted" / student / "ps1").mkdir(parents=True)
    nbformat.write(notebook, root / "submitted" / student / "ps1" / "one.ipynb")


def test_every_honest_mark_is_right_and_every_other_is_said(course: Course) -> None:
    statuses = ClassRun(course, "ps1", limits=Limits(cell_seconds=5, cell_output=100_000)).grade()
    rows = {row.student: row for row in table(course, "ps1").rows}
    assert set(rows) == set(statuses) == set(course.students("ps1"))
    for student, row in rows.items():
        if student.startswith("honest"):
            expected = list(HONEST.values())[int(student[-2:]) % len(HONEST)]
            assert (row.marks["x"], statuses[student]) == (expected, ""), student
        else:
            assert row.marks["x"] == 0, student
            assert statuses[student] == HOSTILE.get(student, ("", "damaged"))[1], student
    assert not kernels()
