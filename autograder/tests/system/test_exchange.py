"""nbgrader's own exchange on this course: release_assignment → fetch_assignment → submit → collect, and its lists."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from autograder.course.course import CONFIG, find_alembic
from autograder.release.release import contents
from autograder.tests.harness.servers import TOKEN, chromium, jupyter_lab
from autograder.tests.support import NOTEBOOKS, ROOT

pytestmark = [pytest.mark.kernel, pytest.mark.xdist_group("exchange")]
ASSIGNMENT = "rnn_shapes"
FILES = [*(f"{name}.ipynb" for name in NOTEBOOKS), "shapes"]


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with an instructor's course, a student's folder, and the exchange, to which the course is released."""
    folder = tmp_path_factory.mktemp("exchange")
    course, between = folder / "course", folder / "exchange"
    for made in (course, folder / "student", between):
        made.mkdir()
    between.chmod(0o777)  # it is open to all
    for name in ("solutions", "notebooks"):
        shutil.copytree(ROOT / name, course / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb*"))
    shutil.copy(ROOT / CONFIG, course)
    find_alembic()
    _nbgrader(course, between, "release_assignment", ASSIGNMENT)
    yield folder
    _give_back(between)


@pytest.fixture
def exchange(released: Path, tmp_path: Path) -> Iterator[tuple[Path, Path, Path]]:
    """The three, of a test's own."""
    shutil.copytree(released, tmp_path, dirs_exist_ok=True)
    between = tmp_path / "exchange"
    yield tmp_path / "course", tmp_path / "student", between
    _give_back(between)


def _give_back(between: Path) -> None:
    """Give back the right to write, which nbgrader takes away; pytest removes the folder."""
    for path in between.rglob("*"):
        path.chmod(0o700)


def _nbgrader(folder: Path, between: Path, *arguments: str) -> None:
    options = [f"--Exchange.root={between}", f"--Exchange.cache={between.parent / 'cache'}", "--course=rnn"]
    command = [sys.executable, "-m", "nbgrader", *arguments, *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_release_fetch_submit_collect(exchange: tuple[Path, Path, Path]) -> None:
    course, student, between = exchange
    _nbgrader(student, between, "fetch_assignment", ASSIGNMENT)
    assert _names(student / ASSIGNMENT) == FILES
    (student / ASSIGNMENT / "3_gru.ipynb").write_bytes((ROOT / "notebooks" / ASSIGNMENT / "3_gru.ipynb").read_bytes())
    _nbgrader(student, between, "submit", ASSIGNMENT)
    _nbgrader(course, between, "collect", ASSIGNMENT)
    (who,) = (course / "submitted").iterdir()
    assert _names(who / ASSIGNMENT) == sorted([*FILES, "submission_secret.txt", "timestamp.txt"])
    mine = contents(student / ASSIGNMENT)
    assert mine.items() <= contents(who / ASSIGNMENT).items()


@pytest.mark.browser
def test_the_assignment_list_fetches_and_submits(exchange: tuple[Path, Path, Path]) -> None:
    course, student, between = exchange
    settings = {"Exchange": {"root": str(between), "cache": str(between.parent / "cache")}}
    settings["CourseDirectory"] = {"course_id": "rnn"}
    (student / "nbgrader_config.json").write_text(json.dumps(settings))
    with jupyter_lab(student) as address, chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{address}/lab?reset&token={TOKEN}")
        page.locator(".lm-MenuBar-itemLabel", has_text="Nbgrader").click()
        page.locator(".lm-Menu-itemLabel", has_text="Assignment List").click()
        page.get_by_role("button", name="Fetch").click()
        page.get_by_role("button", name="Submit").click()
        expect(page.locator("#submitted_assignments_list")).to_contain_text(ASSIGNMENT, timeout=60_000)
    assert _names(student / ASSIGNMENT) == FILES
    _nbgrader(course, between, "collect", ASSIGNMENT)
    (who,) = (course / "submitted").iterdir()
    assert _names(who / ASSIGNMENT) == sorted([*FILES, "submission_secret.txt", "timestamp.txt"])
