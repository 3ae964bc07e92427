"""The student's way, walked in a real browser: `make lab`, run all, answer, hint, save, restart, validate."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from autograder.course.course import CONFIG
from autograder.tests.harness.jupyterlab import Lab
from autograder.tests.harness.servers import TOKEN, chromium, make_lab
from autograder.tests.support import NOTEBOOKS, ROOT

pytestmark = [pytest.mark.kernel, pytest.mark.xdist_group("student"), pytest.mark.browser, pytest.mark.server]


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh checkout's course; gives the folder in which the student's notebooks will lie."""
    course = tmp_path_factory.mktemp("student") / "course"
    course.mkdir()
    for name in (CONFIG, "solutions", "notebooks"):
        ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
        shutil.copytree(ROOT / name, course / name, ignore=ignored) if (ROOT / name).is_dir() else shutil.copy(
            ROOT / name, course
        )
    return course / "my-notebooks" / "rnn_shapes"


@pytest.fixture(scope="module")
def address(mine: Path) -> Iterator[str]:
    """What `make lab` serves."""
    with make_lab(mine.parents[1]) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def window(address: str, browser: Browser) -> Iterator[Lab]:
    """A page for all tests, which loads JupyterLab's scripts faster after the first time."""
    with browser.new_context(viewport={"width": 1100, "height": 900}) as context:
        yield Lab(context.new_page(), address)


@pytest.fixture
def lab(window: Lab, mine: Path) -> Iterator[Lab]:
    """The page; what it saves is undone."""
    yield window
    window.page.goto("about:blank")
    for name in NOTEBOOKS:
        shutil.copy(ROOT / "notebooks" / "rnn_shapes" / f"{name}.ipynb", mine)


def _source(path: Path, cell: str) -> str:
    return str(next(c.source for c in nbformat.read(path, 4).cells if c.id == cell))


def test_the_first_notebook_opens_runs_without_an_answer_and_can_be_read(lab: Lab) -> None:
    """All this with one kernel, since TensorFlow takes seconds to load."""
    _opens_and_asks_nothing(lab)
    _runs_to_its_end_says_what_is_open_and_makes_no_noise(lab)
    _can_be_read_in_both_themes_and_by_a_screen_reader(lab)


def _opens_and_asks_nothing(lab: Lab) -> None:
    lab.page.goto(f"{lab.address}/?token={TOKEN}")
    lab.idle()
    assert lab.page.url.endswith("/lab/tree/rnn_shapes/1_lstm.ipynb")
    expect(lab.page.locator(".jp-KernelName")).to_have_text("Python 3 (ipykernel)")
    lab.page.wait_for_load_state("networkidle")
    assert lab.page.locator(".jp-Dialog, .Toastify__toast").count() == 0
    assert lab.page.get_by_text("Create Assignment").count() == 0


def _runs_to_its_end_says_what_is_open_and_makes_no_noise(lab: Lab) -> None:
    """rnn/test_untouched.py runs all notebooks, without a browser."""
    lab.menu("Run", "Run All Cells")
    expect(lab.shown("summary(")).to_contain_text("0 of 5 questions are right.")
    for question in ("q1", "q2", "q3", "q4", "q5"):
        expect(lab.shown(f'check("{question}"')).to_contain_text(f"○ {question}: not answered.")
    lab.idle()
    for noise in ("error", "stderr"):
        assert lab.page.locator(f'.jp-OutputArea-output[data-mime-type*="{noise}"]').count() == 0


def _can_be_read_in_both_themes_and_by_a_screen_reader(lab: Lab) -> None:
    lab.write("q1 = ", "q1 = ('batch', 'features', 'timesteps')")
    expect(lab.run('check("q1"')).to_contain_text("✗ q1: not yet.")
    expect(lab.run("summary(")).to_contain_text("read its message or take a hint")
    for theme in ("Dark", "Light"):
        lab.theme(theme)
        for cell in ('check("q1"', 'check("q2"', "summary("):
            assert lab.contrast(cell) > 7
        found = Axe().run(lab.page, context={"include": ['[role="status"]']})
        assert found.violations_count == 0, found.generate_report()
    expect(lab.shown('check("q1"')).to_match_aria_snapshot(
        """
        - status:
          - strong: "✗ q1: not yet."
          - text: Axis 1 of data (axes count from 0) is not features. Which of your sizes is data.shape[1]?
          - img "data, as you gave it (1, 8, 2)"
        """
    )
    expect(lab.shown("summary(")).to_match_aria_snapshot(
        """
        - status:
          - table "Your progress":
            - caption: Your progress
            - rowgroup:
              - row "question last check what to do"
              - row "Q1 ✗ not yet read its message or take a hint":
                - rowheader "Q1"
        """
    )


def test_a_wrong_answer_a_hint_a_right_answer_and_a_restart(lab: Lab, mine: Path) -> None:
    lab.open("lab/tree/rnn_shapes/1_lstm.ipynb")
    lab.write("guess = ", "guess = 2")
    lab.menu("Run", "Run All Cells")
    lab.idle()
    expect(lab.cell('print(compare("number of arrays"')).to_contain_text("number of arrays: You guessed 2; it is 3.")
    lab.write("q3 = ", "q3 = {'output': (1, 3), 'h': (3,), 'c': (1, 3)}")
    said = lab.run('check("q3"')
    expect(said).to_contain_text("✗ q3: not yet. h: you gave 1 axis, (3,); h has 2: the batch axis is missing.")
    picture = said.get_by_role("img", name="h, as you gave it (3,)")
    expect(picture).to_be_visible()
    assert "✗ batch missing" in str(picture.text_content())
    hints = lab.shown('hint("q3"')
    hints.locator("summary").nth(1).press("Enter")
    expect(hints.get_by_text("Every NumPy array has its dimensions")).to_be_visible()
    lab.shoot(wrong='check("q3"', hint='hint("q3"')
    lab.write("q3 = ", "q3 = {'output': output.shape, 'h': h.shape, 'c': c.shape}")
    expect(lab.run('check("q3"')).to_contain_text("✓ q3: right. Your own arrays confirm it.")
    lab.write("q2 = ", "q2 = {'output': 'all cell states', 'h': 'last hidden state', 'c': 'last cell state'}")
    expect(lab.run('check("q2"')).to_contain_text("✗ q2: not yet. output: it has no timesteps axis.")
    lab.write("q4 = ", "q4 = ('h', 'output')")
    expect(lab.run('check("q4"')).to_contain_text("✓ q4: right.")
    lab.run("draw(output=output")
    expect(lab.shown("draw(output=output").get_by_role("img")).to_have_count(3)
    lab.save()
    lab.restart_and_run_all()
    expect(lab.shown("summary(")).to_contain_text("2 of 5 questions are right.")
    expect(lab.shown("summary(")).to_contain_text("Correct guesses: 0 of 1.")
    expect(lab.shown('check("q3"')).to_contain_text("✓ q3: right.")
    lab.idle()
    lab.shoot(right='check("q3"', draw="draw(output=output", summary="summary(")
    lab.save()
    assert _source(mine / "1_lstm.ipynb", "q4") == "q4 = ('h', 'output')"


def test_validate_in_the_toolbar_says_what_is_open(lab: Lab) -> None:
    lab.open("lab/tree/rnn_shapes/3_gru.ipynb")
    lab.write("q9 = ", "q9 = (3,)")
    lab.page.locator("jp-button, button", has_text="Validate").filter(visible=True).first.click()
    dialog = lab.page.get_by_role("dialog")
    expect(dialog).to_contain_text("○ q8: not answered")
    said = "✗ q9: not yet. output: you gave 1 axis, (3,); output has 2: the batch axis is missing."
    expect(dialog).to_contain_text(said)
