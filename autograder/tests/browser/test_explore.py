"""The picture that moves, in JupyterLab: controls, keyboard, themes, small windows, what a notebook keeps."""

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, ViewportSize, expect

from autograder.tests.harness.jupyterlab import Lab
from autograder.tests.harness.servers import chromium, jupyter_lab
from autograder.tests.support import copy_helper

pytestmark = [
    *(pytest.mark.kernel, pytest.mark.xdist_group("explore"), pytest.mark.browser, pytest.mark.server),
    pytest.mark.tensorflow,
]
CELL = "explore()"
WINDOW: ViewportSize = {"width": 1100, "height": 1000}
SMALLEST, LEGIBLE = 10, 4.5  # px, and a ratio
TEXTS = """svg => {
    const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
    const sizes = [...svg.querySelectorAll('text, tspan')].map(text => parseFloat(getComputedStyle(text).fontSize));
    return Math.min(...sizes) * scale;
}"""
CONTRASTS = """svg => {
    const parse = text => (text.match(/[0-9.]+/g) ?? [0, 0, 0, 0]).map(Number);
    const over = ([r, g, b], a, below) => [r, g, b].map((part, i) => a * part + (1 - a) * below[i]);
    const light = colour => colour.map(c => c / 255).map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const page = parse(getComputedStyle(svg.closest('.jp-Notebook')).backgroundColor);
    const inside = (a, b) =>
        a.left >= b.left - 1 && a.right <= b.right + 1 && a.top >= b.top - 3 && a.bottom <= b.bottom + 3;
    const rects = [...svg.querySelectorAll('rect')].filter(r => !r.closest('.shapes-in'));
    return [...svg.querySelectorAll('text')].filter(t => !t.closest('.shapes-in')).map(text => {
        let behind = page;
        for (const rect of rects) {
            const style = getComputedStyle(rect);
            if (style.fill !== 'none' && inside(text.getBoundingClientRect(), rect.getBoundingClientRect()))
                behind = over(parse(style.fill), Number(style.fillOpacity), behind);
        }
        const ink = parse(getComputedStyle(text).fill);
        const [a, b] = [light(over(ink, ink[3] ?? 1, behind)), light(behind)].sort((x, y) => y - x);
        return (a + 0.05) / (b + 0.05);
    });
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the helper and a notebook that shows the picture."""
    folder = tmp_path_factory.mktemp("explore") / "notebooks"
    folder.mkdir()
    copy_helper(folder)
    _write(folder)
    return folder


def _write(folder: Path) -> None:
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    sources = (
        "from shapes import explore\nimport keras",
        "explore()",
        "explore('GRU', return_sequences=True, batch=2)",
    )
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(notebook, folder / "picture.ipynb")


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """JupyterLab in that folder."""
    with jupyter_lab(folder) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def lab(address: str, browser: Browser) -> Iterator[Lab]:
    """The notebook in a page for all tests, since JupyterLab takes seconds to load; each test runs a cell again."""
    with browser.new_context(viewport=WINDOW) as context:
        lab = Lab(context.new_page(), address)
        lab.open("lab/tree/picture.ipynb")
        yield lab


@pytest.fixture
def reduced_motion(lab: Lab) -> Iterator[Lab]:
    """The page as those see it who want no motion."""
    lab.page.emulate_media(reduced_motion="reduce")
    yield lab
    lab.page.emulate_media(reduced_motion="null")


@pytest.fixture
def small_window(reduced_motion: Lab) -> Iterator[Lab]:
    """The page in a small window, without its left sidebar."""
    reduced_motion.page.set_viewport_size({"width": 620, "height": 1000})
    reduced_motion.menu("View", "Appearance", "Show Left Sidebar")
    yield reduced_motion
    reduced_motion.menu("View", "Appearance", "Show Left Sidebar")
    reduced_motion.page.set_viewport_size(WINDOW)


def _picture(lab: Lab, source: str = "explore()") -> Locator:
    """Clear all outputs, import and run the cell that begins with `source`; its picture, with its widgets."""
    lab.menu("Edit", "Clear Outputs of All Cells")
    expect(lab.page.locator(".shapes-explore")).to_have_count(0)
    lab.run("from shapes")
    lab.run(source)
    picture = lab.cell(source).locator(".shapes-explore")
    expect(picture.get_by_text("Step 0 of")).to_be_visible()
    return picture


def _press(picture: Locator, name: str) -> None:
    picture.get_by_role("button", name=name).click()


def test_step_and_back_walk_through_the_cell_and_h_is_the_last_row(lab: Lab) -> None:
    picture = _picture(lab)
    image = picture.get_by_role("img")
    expect(image).to_have_accessible_name("LSTM, sample 0, after 0 of 5 timesteps")
    for step in range(1, 6):
        _press(picture, "Step")
        expect(image).to_have_accessible_name(f"LSTM, sample 0, after {step} of 5 timesteps")
    expect(image).to_have_accessible_description(re.compile("The returned h has the same numbers[.]$"))
    _press(picture, "Step")
    _press(picture, "Back")
    expect(image).to_have_accessible_name("LSTM, sample 0, after 4 of 5 timesteps")
    expect(picture).to_contain_text("The next step replaces it.")
    lab.shoot(explore=CELL)


def test_play_walks_to_the_end_and_stops(lab: Lab) -> None:
    picture = _picture(lab)
    _press(picture, "Play")
    expect(picture.get_by_role("button", name="Pause")).to_be_visible()
    expect(picture.get_by_text("Step 5 of 5.")).to_be_visible()
    expect(picture.get_by_role("button", name="Play")).to_be_visible()
    assert picture.locator(".shapes-live .shapes-late").count() > 0


def test_the_toggles_change_the_code_the_boxes_and_the_guesses(lab: Lab) -> None:
    picture = _picture(lab)
    code = picture.locator("pre")
    expect(code).to_contain_text(
        "layer = LSTM(4, return_sequences=False, return_state=True)\noutput, h, c = layer(data)"
    )
    _press(picture, "GRU")
    expect(code).to_contain_text("layer = GRU(4, return_sequences=False, return_state=True)\noutput, h = layer(data)")
    expect(picture.get_by_label("c.shape")).to_be_hidden()
    _press(picture, "return_state=True")
    expect(code).to_contain_text("output = layer(data)")
    expect(picture.get_by_label("h.shape")).to_be_hidden()
    dashed = picture.locator("rect[stroke-dasharray]")
    before = dashed.count()
    _press(picture, "return_sequences=False")
    expect(dashed).to_have_count(before - 4 * 4)
    expect(picture.get_by_role("button", name="return_sequences=True")).to_be_visible()


def test_a_shape_is_hidden_until_it_is_guessed(lab: Lab) -> None:
    picture = _picture(lab)
    chips = picture.locator(".shapes-chip")
    expect(chips).to_have_text(["output ?", "h ?", "c ?"])
    for guess, answer in (
        ("rows", "output: 'rows' is not a shape. Type a shape, such as (9, 9)."),
        ("1, 4", "✓ output"),
    ):
        picture.get_by_label("output.shape").fill(guess)
        lab.page.keyboard.press("Enter")
        expect(picture).to_contain_text(answer)
    picture.get_by_label("h.shape").fill("(4,)")
    lab.page.keyboard.press("Enter")
    expect(picture).to_contain_text("✗ h: You guessed (4,); it is (1, 4). The axes are batch, units.")
    expect(chips).to_have_text(["output (1, 4)", "h (1, 4)", "c ?"])
    _press(picture, "Show the shapes")
    expect(chips).to_have_text(["output (1, 4)", "h (1, 4)", "c (1, 4)"])
    _press(picture, "return_sequences=False")
    expect(chips).to_have_text(["output ?", "h ?", "c ?"])


def test_the_keyboard_alone_is_enough(lab: Lab) -> None:
    picture = _picture(lab)
    keys = lab.page.keyboard
    picture.get_by_role("button", name="LSTM").focus()
    for name in ("GRU", "return_sequences=False", "return_state=True"):
        keys.press("Tab")
        expect(picture.get_by_role("button", name=name)).to_be_focused()
    keys.press("Tab")
    expect(picture.get_by_label("batch")).to_be_focused()
    keys.press("ArrowUp")
    expect(picture.get_by_role("img")).to_have_count(2)
    keys.press("Tab")
    keys.press("ArrowDown")
    expect(picture.get_by_text("Step 0 of 4.")).to_be_visible()
    keys.press("Tab")
    keys.press("ArrowDown")
    expect(picture.locator("pre")).to_contain_text("LSTM(3,")
    keys.press("Tab")
    expect(picture.get_by_role("button", name="Back")).to_be_focused()
    keys.press("Tab")
    keys.press("Enter")
    expect(picture.get_by_text("Step 1 of 4.")).to_be_visible()
    keys.press("Space")
    expect(picture.get_by_text("Step 2 of 4.")).to_be_visible()
    expect(picture.get_by_role("button", name="Step")).to_be_focused()
    keys.press("Tab")
    keys.press("Enter")
    expect(picture.get_by_text("Step 4 of 4.")).to_be_visible()
    keys.press("Tab")
    keys.type("(2, 3)")
    keys.press("Enter")
    expect(picture).to_contain_text("✓ output: You guessed (2, 3): correct.")


def test_a_small_window_in_both_themes(small_window: Lab) -> None:
    picture = _picture(small_window, "explore('GRU'")
    for _ in range(2):
        _press(picture, "Step")
    expect(picture.get_by_role("img")).to_have_count(2)
    for theme in ("Dark", "Light"):
        small_window.theme(theme)
        for image in picture.get_by_role("img").all():
            assert image.evaluate(TEXTS) >= SMALLEST
            assert min(image.evaluate(CONTRASTS)) >= LEGIBLE
        found = Axe().run(small_window.page, context={"include": [".shapes-explore"]})
        assert found.violations_count == 0, found.generate_report()
    first, second = (image.bounding_box() for image in picture.get_by_role("img").all())
    assert first is not None
    assert second is not None
    assert second["y"] >= first["y"] + first["height"], "the samples are one below the other"
    assert picture.evaluate("element => element.scrollWidth <= element.clientWidth")


def test_with_reduced_motion_there_are_steps_only(reduced_motion: Lab) -> None:
    picture = _picture(reduced_motion)
    expect(picture.locator(".shapes-play")).to_be_hidden()
    _press(picture, "Step")
    expect(picture.get_by_text("Step 1 of 5.")).to_be_visible()
    assert picture.locator(".shapes-live").count() == 1
    assert picture.evaluate("element => element.getAnimations({subtree: true}).length") == 0


def test_a_step_moves_where_motion_is_welcome(lab: Lab) -> None:
    picture = _picture(lab)
    _press(picture, "Step")
    expect(picture.locator(".shapes-live")).to_have_count(1)
    names = "element => [...element.querySelectorAll('.shapes-live g')].map(g => getComputedStyle(g).animationName)"
    assert {"shapes-in", "shapes-from"} <= set(picture.evaluate(names))


def test_a_saved_notebook_shows_a_still_picture_without_a_kernel(lab: Lab, folder: Path) -> None:
    still = lab.cell("explore()").locator(".shapes-still")
    expect(_picture(lab)).to_be_visible()
    expect(still).to_be_hidden()
    lab.save()
    kept = nbformat.read(folder / "picture.ipynb", 4).cells[1].outputs[0].data
    assert kept["text/html"].count("<svg") == 1
    assert kept["text/plain"].startswith("The cell has read data[0, 4]")
    lab.menu("Kernel", "Shut Down All Kernels")
    lab.page.get_by_role("button", name="Shut Down All").click()
    # Else the page that is loaded next finds a kernel that is about to end.
    expect(lab.page.get_by_role("button", name="No Kernel", exact=True)).to_be_visible()
    lab.open("lab/tree/picture.ipynb")
    expect(still.get_by_role("img")).to_be_visible()
    expect(lab.page.get_by_text("model not found").first).to_be_hidden()
