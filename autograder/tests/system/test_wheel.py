"""The grader without the course: a wheel in an environment that has what it requires, and no TensorFlow.

The environment and the course are below /tmp, in a folder whose name has spaces and accents.
"""

import csv
import email
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from autograder.tests.support import ROOT

pytestmark = [pytest.mark.kernel, pytest.mark.xdist_group("wheel")]
SMALL = ROOT / "autograder" / "tests" / "courses" / "small"
SOURCES = ("pyproject.toml", "README.md", "LICENSE")
WRITES = "for place in ('/tmp/mine', '/dev/shm/mine'):\n    with open(place, 'w') as file:\n        file.write('x')\n"
MARKS = {"mean": 2, "days": 3, "order": 1, "smooth": 3, "counter": 2}


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder below /tmp with an awkward name."""
    with tempfile.TemporaryDirectory(prefix="cours à l'essai ", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def wheel(place: Path) -> Path:
    """The package, built."""
    source = place / "source"
    source.mkdir()
    for name in SOURCES:
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "autograder", source / "autograder", ignore=shutil.ignore_patterns("tests", "__pycache__"))
    build = [
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
        "--wheel-dir",
        str(place),
        str(source),
    ]
    subprocess.run([sys.executable, "-m", "pip", *build], check=True, capture_output=True)
    (found,) = place.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def bare(place: Path, wheel: Path) -> Path:
    """The environment's folder of programs."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place / "env"], check=True)
    (site,) = (place / "env").glob("lib/python*/site-packages")
    programs = place / "env" / "bin"
    for name in _required(wheel):
        for file in metadata.distribution(name).files or ():
            _link(Path(str(file.locate())), Path(os.path.normpath(site / file)), programs)
    install = ["install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check", str(wheel)]
    python = ["--python", str(programs / "python")]
    subprocess.run([sys.executable, "-m", "pip", *python, *install], check=True, capture_output=True)
    return programs


def _required(wheel: Path) -> set[str]:
    """The distributions that a wheel requires, and those that they require."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        lines = email.message_from_bytes(archive.read(name)).get_all("Requires-Dist") or []
    found: set[str] = set()
    waiting = [(Requirement(line), "") for line in lines]
    seen = set()
    while waiting:
        one, extra = waiting.pop()
        if (str(one), extra) in seen or (one.marker and not one.marker.evaluate({"extra": extra})):
            continue
        seen.add((str(one), extra))
        found.add(canonicalize_name(one.name))
        more = [Requirement(line) for line in metadata.requires(one.name) or ()]
        waiting += [(needed, wanted) for needed in more for wanted in ("", *one.extras)]
    return found


def _link(source: Path, target: Path, programs: Path) -> None:
    """Have a file of an installed distribution in the environment as well; programs run its Python."""
    if not source.is_file() or "__pycache__" in source.parts:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.parent == programs:
        if b"python" in (text := source.read_bytes()).partition(b"\n")[0]:
            text = (
                f"#!/bin/sh\n'''exec' \"{programs}/python\" \"$0\" \"$@\"\n' '''\n".encode() + text.partition(b"\n")[2]
            )
        target.write_bytes(text)
        target.chmod(0o755)
        return
    _same(source, target)
    compiled = Path(importlib.util.cache_from_source(str(source)))
    if source.suffix == ".py" and compiled.is_file():  # an installer compiles modules; here it would take longest
        (target.parent / "__pycache__").mkdir(exist_ok=True)
        _same(compiled, target.parent / "__pycache__" / compiled.name)


def _same(source: Path, target: Path) -> None:
    """Have the same file in two places, with its time, by which Python knows what is compiled."""
    try:
        os.link(source.resolve(), target)
    except OSError:  # another file system
        shutil.copy2(source, target)


def _run(bare: Path, *arguments: str | Path) -> str:
    """What the installed command prints, in an environment that has nothing of ours."""
    seen = {"PATH": f"{bare}:/usr/bin:/bin", "HOME": str(bare.parent), "LANG": "C.UTF-8"}
    done = subprocess.run([bare / "autograder", *arguments], env=seen, cwd="/", capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout


def _hand_in(course: Path) -> None:
    """One student hands in the solutions, and writes to /tmp and /dev/shm; the other the notebooks as released."""
    for student in ("ada", "ben"):
        folder = course / "submitted" / student / "ps1"
        shutil.copytree(course / ("source" if student == "ada" else "release") / "ps1", folder)
    for path in (course / "submitted" / "ada" / "ps1").glob("*.ipynb"):
        notebook = nbformat.read(path, 4)
        for cell in notebook.cells:
            if cell.id in MARKS:
                cell.source = WRITES + cell.source
        nbformat.write(notebook, path)


def test_the_environment_has_neither_tensorflow_nor_keras(bare: Path) -> None:
    code = "from importlib.util import find_spec; print([find_spec(name) is None for name in ('tensorflow', 'keras')])"
    done = subprocess.run([bare / "python", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[True, True]\n"


def test_nothing_of_the_keras_course_is_asked_for(bare: Path, place: Path) -> None:
    course = place / "neuer Kurs"
    assert "assignments: example\n" in _run(bare, "init", course)
    look = "from pathlib import Path; from autograder.cli import doctor; from autograder.course.course import Course; "
    look += f"print(*doctor._packages(Course.at(Path({str(course)!r}))), sep='\\n')"
    done = subprocess.run([bare / "python", "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("✓ packages "), done.stdout


@pytest.fixture(scope="module")
def released(bare: Path, place: Path) -> Path:
    """The small course, released by the installed command, with its class's submissions."""
    course = place / "kleiner Kurs"
    shutil.copytree(SMALL, course)
    assert "released: " in _run(bare, "--course", course, "release")
    _hand_in(course)
    return course


@pytest.mark.parametrize("shape", ["warm", "cold"])
def test_the_installed_grader_grades_a_course(shape: str, bare: Path, released: Path) -> None:
    course = Path(shutil.copytree(released, released.with_name(f"{released.name}, {shape}")))
    with (course / "nbgrader_config.py").open("a") as settings:
        settings.write(f"c.Limits.sandbox = {shape!r}\n")
    there = ("--course", course)
    _run(bare, *there, "grade")
    _run(bare, *there, "export")
    with (course / "grades.csv").open(newline="") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    assert {name: float(rows["ada"][name]) for name in MARKS} == MARKS
    assert {float(rows["ben"][name]) for name in MARKS} == {0}
    assert {row["status"] for row in rows.values()} == {"needs manual grading"}
