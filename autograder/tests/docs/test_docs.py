"""The documentation site: built without a warning, with every page; a failed build leaves the old one."""

import contextlib
import html
import io
import re
import sys
import zipfile
from collections.abc import Iterator, Mapping
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Literal

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from autograder import theme
from autograder.course.limits import Limits
from autograder.docs import __main__ as build
from autograder.docs import notebooks, places, reference, test_cells, texts
from autograder.model import Status
from autograder.tests.harness.servers import chromium
from autograder.tests.support import NOTEBOOKS, ROOT

SHOWN = ("index", "misconceptions", "cheat-sheet", "where", "notebooks/1_lstm", "reference/commands")
FORK = "ada/rnn"
RUN = (*NOTEBOOKS, "step_by_step")  # the graded notebooks and an exploration


class QuietHandler(SimpleHTTPRequestHandler):
    """Serve files without writing a line for each request."""

    def log_message(self, *args: Any, **kwargs: Any) -> None:
        """Write nothing."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` does; a warning, such as a broken link, fails the build."""
    folder = tmp_path_factory.mktemp("docs") / "site"
    run = notebooks.outputs_of

    def outputs_of(path: Path, limits: Limits) -> Mapping[str, tuple[str, list[nbformat.NotebookNode]]]:
        return run(path, limits) if path.stem in RUN else _stored(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(notebooks, "outputs_of", outputs_of)
        assert build.main(["--to", str(folder), "--repository", FORK]) == 0
    return folder


def _stored(path: Path) -> Mapping[str, tuple[str, list[nbformat.NotebookNode]]]:
    """The outputs that a source notebook stores, in place of those of a run."""
    cells = nbformat.read(path, 4).cells
    return {cell.id: (cell.source, cell.outputs) for cell in cells if cell.cell_type == "code"}


@pytest.fixture(scope="module")
def browser(site: Path) -> Iterator[Browser]:
    """Chromium, after the notebooks have run: their kernels and this fixture cannot share an event loop."""
    with chromium() as browser:
        yield browser


@pytest.mark.tensorflow
@pytest.mark.xdist_group("docs")
def test_every_page_is_built(site: Path) -> None:
    by_hand = {path.relative_to(texts.DOCS / "pages") for path in (texts.DOCS / "pages").rglob("*.md")}
    graded = {Path("notebooks", path.name) for path in (ROOT / "notebooks").rglob("*.ipynb")}
    assert [page for page in by_hand | graded if not (site / page).with_suffix(".html").is_file()] == []


@pytest.mark.tensorflow
@pytest.mark.xdist_group("docs")
def test_no_stand_in_for_a_generated_page_is_left(site: Path) -> None:
    shown = {path: path.read_text(encoding="utf-8") for path in site.rglob("*.html")}
    assert [path for path, text in shown.items() if "</code> writes this page" in text] == []


@pytest.mark.tensorflow
@pytest.mark.xdist_group("docs")
def test_the_cheat_sheet_has_the_shapes_of_live_arrays(site: Path) -> None:
    text = (site / "cheat-sheet.html").read_text(encoding="utf-8")
    for shown in ("(4, 8, 3)</code>, <code>(4, 3)</code>, <code>(4, 3)", "(4, 8, 3)</code>, <code>(4, 3)</code></td>"):
        assert shown in text
    assert [number for number in ("72", "63", "54") if f"<td>{number}</td>" not in text] == []


@pytest.mark.browser
@pytest.mark.tensorflow
@pytest.mark.xdist_group("docs")
@pytest.mark.parametrize(("scheme", "width"), [("light", 390), ("dark", 1280)])
def test_pages_open_in_chromium(site: Path, browser: Browser, scheme: Literal["light", "dark"], width: int) -> None:
    colours = theme.LIGHT if scheme == "light" else theme.DARK
    with browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme) as context:
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        for name in SHOWN:
            page.goto((site / f"{name}.html").as_uri())
            title = page.locator("h1").first
            assert title.inner_text().strip("¶ \n")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
            red, green, blue = (int(colours.main[place : place + 2], 16) for place in (1, 3, 5))
            assert title.evaluate("h => getComputedStyle(h).color") == f"rgb({red}, {green}, {blue})"
        found = Axe().run(page, options={"runOnly": ["color-contrast", "image-alt", "link-name"]})
        assert found.violations_count == 0, found.generate_report()
    assert errors == []


@pytest.mark.browser
@pytest.mark.tensorflow
@pytest.mark.xdist_group("docs")
def test_the_cheat_sheet_prints_on_one_sheet(site: Path, browser: Browser) -> None:
    with browser.new_page() as page:
        page.goto((site / "cheat-sheet.html").as_uri())
        assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4"))) == 1


@pytest.mark.browser
@pytest.mark.tensorflow
@pytest.mark.xdist_group("docs")
def test_a_served_site_can_be_searched_and_asks_no_other_server(site: Path, browser: Browser) -> None:
    handler = partial(QuietHandler, directory=str(site))
    with (
        ThreadingHTTPServer(("127.0.0.1", 0), handler) as server,
        browser.new_page(viewport={"width": 1280, "height": 800}) as page,
    ):
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{address}index.html")
        search = page.get_by_role("textbox", name="Search")
        search.click()
        expect(page.locator(".md-search-result__meta")).to_have_text("Type to start searching", timeout=120_000)
        search.press_sequentially("misconceptions")  # it listens to keys
        found = page.locator(".md-search-result__item a").first
        found.wait_for()
        assert "misconceptions" in str(found.get_attribute("href"))
        assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
        server.shutdown()


@pytest.mark.tensorflow
@pytest.mark.xdist_group("docs")
def test_notebooks_are_listed_in_the_order_in_which_they_build_on_each_other(site: Path) -> None:
    index = (site / "notebooks" / "index.html").read_text(encoding="utf-8")
    links = list(dict.fromkeys(re.findall(r'<td><a href="(\w+)\.html"', index)))
    assert links == [path.stem for path in notebooks.in_order()]
    assert links[:3] == ["1_lstm", "2_lstm_sequences", "step_by_step"]


def test_a_fork_has_links_to_files_that_there_are() -> None:
    page = places.page(FORK)
    binder = re.findall(r"\(https://mybinder\.org/v2/gh/ada/rnn/HEAD\?urlpath=lab%2Ftree%2F(\S+)\)", page)
    colab = re.findall(r"\(https://colab\.research\.google\.com/github/ada/rnn/blob/HEAD/(\S+)\)", page)
    assert [path.replace("%2F", "/") for path in binder] == colab
    assert [ROOT / path for path in colab] == notebooks.in_order()
    assert places.PLACEHOLDER not in page
    assert "These links need your fork's address" in places.page(places.PLACEHOLDER)


def test_the_cell_for_colab_fetches_the_helper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page's cell, run on an archive of the form that GitHub makes of a repository."""
    helper = ROOT / "notebooks" / "rnn_shapes" / "shapes"
    with zipfile.ZipFile(tmp_path / "HEAD.zip", "w") as archive:
        for path in sorted((ROOT / "notebooks").rglob("*")):
            if path.suffix in (".py", ".ipynb"):
                archive.write(path, Path("rnn-0123abc") / path.relative_to(ROOT))
    (cell,) = re.findall(r"```python\n(.*?)```", places.page(FORK), re.DOTALL)
    assert f'ADDRESS = "https://github.com/{FORK}/archive/HEAD.zip"' in cell
    (tmp_path / "content").mkdir()
    monkeypatch.chdir(tmp_path / "content")
    assert cell.endswith("import shapes\n"), "it names what is missing"
    local = (tmp_path / "HEAD.zip").as_uri()
    exec(cell.replace(f"https://github.com/{FORK}/archive/HEAD.zip", local).removesuffix("import shapes\n"), {})
    got = {path.name: path.read_bytes() for path in Path("shapes").iterdir()}
    assert got == {path.name: path.read_bytes() for path in helper.glob("*.py")}


@pytest.mark.tensorflow
@pytest.mark.xdist_group("tensorflow")
def test_the_code_of_the_misconceptions_prints_what_its_comments_say() -> None:
    names: dict[str, Any] = {}
    blocks = re.findall(r"```python\n(.*?)```", (texts.DOCS / "pages" / "misconceptions.md").read_text("utf-8"), re.S)
    compared = 0
    for block in blocks:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(block, names)
        expected = re.findall(r"^print\(.*\)  # (.*)$", block, re.MULTILINE)
        assert printed.getvalue().splitlines() == expected, block
        compared += len(expected)
    assert compared > 20


def test_the_first_hour_quotes_what_check_prints() -> None:
    page = (texts.DOCS / "pages" / "instructors" / "own-course.md").read_text(encoding="utf-8")
    quoted = [block for block in re.findall(r"```\n(.*?)```", page, re.DOTALL) if "ps1/" in block]
    printed = (ROOT / "autograder" / "tests" / "cli" / "test_check.py").read_text(encoding="utf-8")
    assert len(quoted) == 5
    assert [block for block in quoted if block not in printed] == []


@pytest.mark.tensorflow
@pytest.mark.xdist_group("docs")
def test_a_graded_notebook_is_shown_with_outputs_and_without_solutions(site: Path) -> None:
    for path in sorted((ROOT / "solutions" / "rnn_shapes").glob("*.ipynb")):
        text = html.unescape(re.sub(r"<[^>]+>", "", (site / "notebooks" / f"{path.stem}.html").read_text("utf-8")))
        assert "The answers are left out" in text
        assert "BEGIN SOLUTION" not in text
        assert "HIDDEN TESTS" not in text
        answers = re.findall(r"^q\d+ = .*$", text, re.MULTILINE)
        assert answers
        assert all("..." in answer for answer in answers)
        assert "[[" in text, "an array that a cell has printed"


def test_each_status_is_explained() -> None:
    assert set(reference.STATUSES) == set(Status)


def test_all_twelve_test_cells_are_shown() -> None:
    (text,) = test_cells.pages().values()
    assert re.findall(r"^### (q\d+)-test", text, re.MULTILINE) == [f"q{number}" for number in range(1, 13)]
    assert "HIDDEN" not in text.partition("\n## ")[2]


def test_docstrings_become_lists() -> None:
    def function(name: str) -> str:
        """Do it.

        Args:
            name: what to call it,
                and more.

        Returns:
            The text.
        """
        return name

    assert texts.described(function).splitlines()[-9:] == [
        "**Args**", "", "* `name`: what to call it,", "  and more.", "", "", "**Returns**", "", "* The text.",
    ]  # fmt: skip


def test_a_missing_tool_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setitem(sys.modules, "mkdocs.commands.build", None)
    assert build.main([]) == 1
    said = capsys.readouterr().err
    assert said.startswith("the docs need mkdocs")
    assert "pip install 'notebook-autograder[docs]'" in said


def test_a_failed_build_leaves_the_old_site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text("old")

    def write(folder: Path, repository: str) -> None:
        folder.mkdir()
        (folder / "index.md").write_text("# Home\n\n[nowhere](no-such-page.md)\n")
        (folder / "notebooks").mkdir()

    monkeypatch.setattr(build, "write_pages", write)
    assert build.main(["--to", str(site)]) == 1
    assert "the site was not built (Aborted with" in capsys.readouterr().err
    assert (site / "index.html").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
