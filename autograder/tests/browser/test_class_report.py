"""`autograder report`: a page that stands alone, opened in a browser, for classes of every size."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

from autograder.cli.main import main
from autograder.course.course import Course
from autograder.gradebook.graded_notebooks import KEY, GradedAnswers, Prediction, Reader
from autograder.gradebook.queries import Table
from autograder.model import Status
from autograder.reports.class_report import survey, write_report
from autograder.reports.class_statistics import class_report
from autograder.reports.html import CELLS, report_json, report_page
from autograder.reports.outcomes import IN_A_CLASS
from autograder.tests.harness.servers import chromium
from autograder.tests.harness.statistics import make_answers, make_failed, make_row, make_table
from autograder.tests.harness.synthetic import ASSIGNMENT, make_graded

pytestmark = pytest.mark.xdist_group("report")
HOSTILE = "<img src=x onerror=window.hacked=1>"
FEW = ("ada", HOSTILE, "名前 $x^2$")
LARGE = 3_000


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A class of three, with names that no font and no page likes."""
    return make_graded(tmp_path_factory.mktemp("few"), FEW)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """A class of three thousand."""
    return make_graded(tmp_path_factory.mktemp("many"), (f"student-{i:04}" for i in range(LARGE)))


@pytest.fixture(scope="module")
def large(many: Course) -> list[Path]:
    """The report of that class, and its data."""
    return write_report(many, ASSIGNMENT)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium."""
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page in a browser that was never used before."""
    with browser.new_context() as context:
        yield context.new_page()


def _open(page: Page, path: Path) -> list[str]:
    """Open a page; gives what it asked the network for."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri(), wait_until="load")
    return [url for url in asked if not url.startswith(("file:", "data:"))]


def test_the_command_writes_the_page_and_its_data(few: Course, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--course", str(few.root), "report"]) == 0
    page, data = few.root / "report.html", few.root / "report.json"
    assert capsys.readouterr().out == f"report: {page}\nreport: {data}\n"
    assert json.loads(data.read_text("utf-8")) == json.loads(report_json(survey(few, ASSIGNMENT)))
    assert [path.name for path in few.root.glob("*.part")] == []
    row = "lowest · lower quarter · median · upper quarter · highest"  # "Q1" would be a question of this course
    assert f"<tr><td>{row}<td" in page.read_text("utf-8")


def test_an_assignment_that_is_not_there(few: Course, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--course", str(few.root), "report", "other"]) == 2
    assert f"no assignment 'other'; there are: {ASSIGNMENT}." in capsys.readouterr().err


def test_the_json_holds_what_the_page_shows(few: Course) -> None:
    report = json.loads(report_json(survey(few, ASSIGNMENT)))
    assert set(report) == {
        *("assignment", "summary", "questions", "lines", "looks", "guesses", "statuses", "repairs"),
        *("more_repairs", "without_verdicts"),
    }
    assert [line["student"] for line in report["lines"]] == sorted(FEW)
    assert report["summary"]["handed_in"] == 2
    assert report["questions"][0]["name"] == "q1"
    assert set(report["questions"][0]["outcomes"]) == set(IN_A_CLASS) == set(CELLS)


@pytest.mark.browser
def test_a_class_of_three_in_a_browser(few: Course, page: Page) -> None:
    path, _ = write_report(few, ASSIGNMENT)
    assert _open(page, path) == []
    assert page.title() == f"{ASSIGNMENT}: class report"
    assert page.evaluate("window.hacked") is None
    assert page.get_by_role("cell", name=HOSTILE).count() == 1
    assert page.locator("table.map tbody tr").count() == 3
    assert page.locator("img").count() == 3
    _pictures_are_whole(page)


@pytest.mark.browser
def test_a_class_of_three_thousand_in_a_browser(large: list[Path], page: Page) -> None:
    path, data = large
    assert path.stat().st_size < 3e6
    assert len(json.loads(data.read_text("utf-8"))["lines"]) == LARGE
    page.set_viewport_size({"width": 1200, "height": 900})
    assert _open(page, path) == []
    assert page.locator("table.map tbody tr").count() == LARGE
    assert page.locator("img").count() == 3
    _pictures_are_whole(page)
    page.locator("#look a").first.click()
    assert page.locator("tr:target").inner_text().startswith(page.locator("#look a").first.inner_text())
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "no sideways scrolling"


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_telephone_shows_narrow_charts_and_scrolls_only_down(
    large: list[Path], page: Page, scheme: Literal["light", "dark"]
) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.emulate_media(color_scheme=scheme)
    assert _open(page, large[0]) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    widths = page.evaluate("[...document.images].map(i => [i.naturalWidth, i.width])")
    assert all(0.8 < shown / natural < 1.4 for natural, shown in widths), "letters have their own size"
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(28, 28, 28)"
    assert dark == (scheme == "dark")


def _pictures_are_whole(page: Page) -> None:
    assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 300 && i.alt.length > 30)")


@pytest.mark.browser
def test_nothing_that_a_student_wrote_runs_or_widens_the_page(tmp_path: Path, page: Page) -> None:
    fires = "<script>window.hacked=1</script><img src=x onerror=window.hacked=1>" + "x" * 900
    facts = {
        fires: GradedAnswers(
            make_answers(make_failed("q1-test", fires, fires)).verdicts, (Prediction("one", fires, fires, fires),)
        )
    }
    row = make_row(fires, 0, 0, 0, status=Status.TIMEOUT, repairs=(fires,))
    path = tmp_path / "report.html"
    path.write_text(report_page(class_report(make_table(row), facts)), encoding="utf-8")
    page.set_viewport_size({"width": 900, "height": 900})
    assert _open(page, path) == []
    assert page.evaluate("window.hacked") is None
    assert page.locator("script, img[onerror]").count() == 0
    assert page.get_by_text("window.hacked").count() >= 5
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.browser
def test_pictures_need_no_colour(large: list[Path], page: Page, tmp_path: Path) -> None:
    """They have one hue, that of the theme: blue is the largest part of a colour and red the smallest."""
    _open(page, large[0])
    shots = [page.locator("img").nth(i).screenshot(path=tmp_path / f"{i}.png") for i in range(3)]
    assert page.evaluate(COLOURS, [list(shot) for shot in shots]) == [0, 0, 0]


COLOURS = """async shots => Promise.all(shots.map(async bytes => {
    const image = await createImageBitmap(new Blob([new Uint8Array(bytes)], {type: 'image/png'}));
    const canvas = new OffscreenCanvas(image.width, image.height), context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    const data = context.getImageData(0, 0, image.width, image.height).data;
    let found = 0;
    for (let i = 0; i < data.length; i += 4) {
        const [red, green, blue] = data.subarray(i, i + 3);
        const spread = Math.max(red, green, blue) - Math.min(red, green, blue);
        found += spread > 8 && !(red <= green && green <= blue);
    }
    return found;
}))"""


def _text(page: str) -> str:
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL).split())


def test_a_class_in_which_nobody_handed_in() -> None:
    shown = _text(report_page(class_report(make_table(make_row("a")), {})))
    assert "No one has handed in yet." in shown
    assert "handed in nothing: 1 a" in shown
    assert "No wrong answer is recorded." in shown
    assert "No notebook needed a repair." in shown


def test_a_class_in_which_all_is_well() -> None:
    facts = {"a": make_answers(), "b": make_answers()}
    shown = _text(report_page(class_report(make_table(make_row("a", 2, 2, 1), make_row("b", 2, 2, 1)), facts)))
    assert "Students to check None." in shown
    assert "answers that could not be judged None." in shown
    assert "2 students have marks but no stored verdicts: plain nbgrader or an older version graded them." in shown
    assert "1 student has marks but no stored verdicts" in _text(
        report_page(class_report(make_table(make_row("a", 2, 2, 1)), {}))
    )


def test_wrong_answers_stand_with_their_mistake_and_share() -> None:
    facts = {
        f"s{i}": make_answers(make_failed("q1-test", "the batch axis is missing.", f"(3,{i % 2})")) for i in range(41)
    }
    rows = [make_row(f"s{i}", *((0, 0, 0) if f"s{i}" in facts else (2, 2, 1))) for i in range(100)]
    shown = _text(report_page(class_report(make_table(*rows), facts)))
    assert "q1: 59 % right" in shown
    assert "the batch axis is missing. 41 41 % (3,0) × 21 (3,1) × 20" in shown


def test_questions_that_do_not_tell_who_knows_are_remarked_upon() -> None:
    rows = [make_row(f"s{i}", 2 * (i % 2), 2 * (i % 2 == 0), i % 5 == 0) for i in range(30)]
    shown = _text(report_page(class_report(make_table(*rows), {})))
    assert "does not separate students: check the question and its test" in shown
    assert " hard " in shown
    few = _text(report_page(class_report(make_table(*rows[:10]), {})))
    assert "check the question and its test" not in few
    assert " hard " not in few


def test_long_lists_are_folded_and_rare_mistakes_counted() -> None:
    facts = {f"s{i:02}": make_answers(make_failed("q1-test", f"mistake {i}.")) for i in range(30)}
    rows = [make_row(student, 0, 0, 0, status=Status.TIMEOUT, repairs=tuple(map(str, range(20)))) for student in facts]
    shown = _text(report_page(class_report(make_table(*rows), facts)))
    assert "code that ran too long: 30 s00, s01, s02 and 27 more" in shown
    assert "22 more students made rarer mistakes" in shown
    assert "And 12 other repairs. grades.csv lists them for each student." in shown


def test_a_share_that_is_nearly_nothing_is_not_nothing() -> None:
    facts = {"s0": make_answers(make_failed("q1-test", "rare."))}
    rows = [make_row(f"s{i}", 0, 0, 0) for i in range(300)]
    assert "rare. 1 < 1 %" in _text(report_page(class_report(make_table(*rows), facts))).replace("&lt;", "<")


def test_verdicts_and_guesses_are_read_back_from_the_autograded_notebooks(few: Course) -> None:
    facts = Reader(few, ASSIGNMENT).read("ada")
    assert len(facts.verdicts) == 12
    assert facts.verdicts["1_lstm", "q1-test"].outcome in ("passed", "failed", "not attempted", "no evidence")
    path = few.folder("autograded", ASSIGNMENT, "ada") / "1_lstm.ipynb"
    kept = path.read_text("utf-8")
    try:
        path.write_text(kept.replace(f'"{KEY}"', '"other"'), "utf-8")
        assert len(Reader(few, ASSIGNMENT).read("ada").verdicts) == 7
        path.write_text("{", "utf-8")
        assert len(Reader(few, ASSIGNMENT).read("ada").verdicts) == 7
    finally:
        path.write_text(kept, "utf-8")


def test_an_assignment_without_points_has_a_page() -> None:
    assert "class report" in report_page(class_report(Table("ps1", {}, (), {}), {}))
