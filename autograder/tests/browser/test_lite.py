"""The course in a browser tab: graded notebooks are answered there, and the grader takes what comes out of it.

A kernel starts for each notebook that is opened. So one notebook is answered, and the site has the others with their
answers: `tests/lite/test_start_up.py` runs all of them on what the browser's kernel has.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect

from autograder.course.course import Course
from autograder.execution.sandbox import own_limits
from autograder.grading.notebook_grader import notebook_graders
from autograder.grading.pipeline import grade_notebook
from autograder.lite import __main__ as lite
from autograder.lite.start_up.keras_start_up import SHOWN
from autograder.model import Assignment
from autograder.submissions.files import read_folder
from autograder.tests.harness import pyodide
from autograder.tests.harness.handed_in import ANSWERS, saved, solved, starter
from autograder.tests.harness.jupyterlab import SHOTS
from autograder.tests.harness.lite import Lite, served
from autograder.tests.harness.servers import chromium
from autograder.tests.support import NOTEBOOKS

pytestmark = [
    *(pytest.mark.browser, pytest.mark.kernel, pytest.mark.process, pytest.mark.tensorflow),
    pytest.mark.xdist_group("editors"),
    pytest.mark.timeout(1200),
]
OPENED = "1_lstm"
QUESTIONS = [cell for cell in ANSWERS[OPENED] if re.fullmatch(r"q\d+", cell)]


@dataclass
class Seen:
    """What was seen in the browser."""

    outside: set[str] = field(default_factory=set)  # addresses of servers that have neither the site nor Pyodide
    errors: list[str] = field(default_factory=list)  # in a notebook that was answered
    kept: list[str] = field(default_factory=list)  # questions that were right after the page was loaded again
    zipped: bytes = b""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site that `make lite` builds, with the answers to the notebooks that are not opened."""
    if reason := pyodide.missing():
        pytest.skip(reason)
    if reason := lite.missing_tool():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("lite") / "site"
    assert lite.main(["--to", str(folder)]) == 0
    for name in set(NOTEBOOKS) - {OPENED}:
        (folder / "files" / _path(name)).write_bytes(saved(solved(name)))
    return folder


@pytest.fixture(scope="module")
def seen(site: Path) -> Iterator[Seen]:
    """A student's way through the site, in one browser that was never used before."""
    seen = Seen()
    with served(site) as address, served(pyodide.COPY) as core, chromium() as browser:
        pyodide.use(site, core)
        context = browser.new_context(viewport={"width": 1200, "height": 900})
        context.on("request", lambda request: seen.outside.add(request.url.partition("?")[0]))
        page = Lite(context.new_page(), address)
        page.open(_path(OPENED))
        _answer(page, seen)
        _train(page)
        seen.zipped = _download(page)
        _load_again(page, seen)
        seen.outside = {url for url in seen.outside if not url.startswith((address, core, "data:", "blob:"))}
        yield seen


def _path(name: str) -> str:
    return f"rnn_shapes/{name}.ipynb"


def _answer(lab: Lite, seen: Seen) -> None:
    """Answer the notebook that is open, run it, and save it."""
    stubs = {cell.id: cell.source.splitlines()[0] for cell in starter(OPENED).cells}
    for question in QUESTIONS:
        lab.type(stubs[question], ANSWERS[OPENED][question])
    lab.menu("Run", "Run All Cells")
    count = len(QUESTIONS)
    expect(lab.shown("summary(")).to_contain_text(f"{count} of {count} questions are right.")
    seen.errors += lab.page.locator('.jp-OutputArea-output[data-mime-type*="error"]').all_inner_texts()
    _look(lab, ANSWERS[OPENED]["q3"])
    lab.save()


def _look(lab: Lite, right: str) -> None:
    """Look at a wrong answer, its hints, pictures, and the picture that moves."""
    lab.write("q3 = ", "q3 = {'output': (1, 3), 'h': (3,), 'c': (1, 3)}")
    said = lab.run('check("q3"')
    expect(said).to_contain_text("✗ q3: not yet. h: you gave 1 axis, (3,); h has 2: the batch axis is missing.")
    expect(said.get_by_role("img", name="h, as you gave it (3,)")).to_be_visible()
    hints = lab.shown('hint("q3"')
    hints.locator("summary").nth(1).press("Enter")
    expect(hints.get_by_text("Every NumPy array has its dimensions")).to_be_visible()
    lab.write("q3 = ", right)
    expect(lab.run('check("q3"')).to_contain_text("✓ q3: right.")
    expect(lab.shown("draw(output=output").get_by_role("img")).to_have_count(3)
    picture = lab.cell("explore()").locator(".shapes-explore")
    picture.get_by_role("button", name="Step").click()
    expect(picture.get_by_role("img")).to_have_accessible_name("LSTM, sample 0, after 1 of 5 timesteps")
    SHOTS.mkdir(exist_ok=True)
    lab.page.screenshot(path=SHOTS / "lite.png")


def _load_again(lab: Lite, seen: Seen) -> None:
    """Load the page with the notebook again, and see its answers before it has a kernel."""
    lab.load(_path(OPENED))
    for question in QUESTIONS:
        expect(lab.shown(f'check("{question}"')).to_contain_text(f"✓ {question}: right.")
        expect(lab.cell(ANSWERS[OPENED][question].splitlines()[0])).to_be_visible()
        seen.kept.append(question)


def _train(lab: Lite) -> None:
    """Run the notebook that trains a model."""
    lab.open_next("explorations/output_to_target.ipynb")
    lab.menu("Run", "Run All Cells")
    expect(lab.page.get_by_text(SHOWN)).to_be_visible()
    expect(lab.page.get_by_role("img", name="Chart: The LSTM gets below the floor")).to_be_visible()


def _download(lab: Lite) -> bytes:
    """Download the notebooks as a zip."""
    lab.open_next("hand_in_rnn_shapes.ipynb")
    lab.menu("Run", "Run All Cells")
    with lab.page.expect_download() as download:
        lab.page.get_by_role("link", name="Download rnn_shapes.zip").click()
    assert download.value.suggested_filename == "rnn_shapes.zip"
    return Path(download.value.path()).read_bytes()


def test_the_notebooks_run_without_an_error_and_keep_their_answers(seen: Seen) -> None:
    assert seen.errors == []
    assert seen.kept == QUESTIONS


def test_pyodide_is_all_that_is_not_in_the_site(seen: Seen) -> None:
    assert seen.outside == set()


def test_the_grader_gives_the_zip_all_machine_points(
    seen: Seen, proven: Assignment, course: Course, tmp_path: Path
) -> None:
    (tmp_path / "rnn_shapes.zip").write_bytes(seen.zipped)
    files, skipped = read_folder(tmp_path)
    handed_in = {Path(path).stem: content for path, content in files.items()}
    assert (sorted(handed_in), skipped) == ([*NOTEBOOKS], [])
    for name in set(NOTEBOOKS) - {OPENED}:  # that were not opened
        assert nbformat.reads(handed_in[name].decode(), 4) == nbformat.reads(saved(solved(name)).decode(), 4)
    grader = next(grader for grader in notebook_graders(proven) if grader.name == OPENED)
    result = grade_notebook(grader, handed_in[OPENED], {}, own_limits(course))
    points = {verdict.cell: verdict.points for verdict in result.verdicts}
    assert points == {f"{question}-test": 2 for question in QUESTIONS}
    assert (result.status, result.repairs) == ("", ())
