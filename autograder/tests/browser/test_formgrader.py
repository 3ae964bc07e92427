"""nbgrader's formgrader on this course, as a reader uses it: open an answer, read, mark, comment, next; then export."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from autograder.cli.main import main
from autograder.course.course import Course
from autograder.gradebook.queries import table
from autograder.tests.harness.recorded import MEMORY, NAME, groups, read_in
from autograder.tests.harness.servers import TOKEN, chromium, jupyter_server

pytestmark = [pytest.mark.browser, pytest.mark.server, pytest.mark.xdist_group("formgrader")]
SCHEME = "Full: in a GRU h serves as memory and as output, so there is no c to return."
PATIENCE = 30_000  # ms


@pytest.fixture
def reading(own: Course) -> Iterator[tuple[Course, Page]]:
    """A course with two students' answers, and formgrader's list of its submissions; no script may fail on the way."""
    read_in(own, ada=MEMORY, bob="It has one gate.")
    faults: list[str] = []
    with jupyter_server(own.root) as address, chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.route("https://**", lambda route: route.abort())  # no network
        page.goto(f"{address}/formgrader?token={TOKEN}")
        page.goto(f"{address}/formgrader/gradebook/ps1/{NAME}")
        yield own, page
        assert [fault for fault in faults if "MathJax" not in fault] == []


def _answer(page: Page) -> str:
    """The written answer that is on the page, in whose cell the mark is given."""
    cell = page.locator(".nbgrader_cell", has=page.locator("input#q8-why"))
    return str(cell.inner_text())


def _mark(page: Page, points: str, comment: str) -> None:
    """Type a mark and a comment, and see both saved."""
    with page.expect_response(lambda answer: "/api/grade/" in answer.url and answer.request.method == "PUT"):
        page.locator("input#q8-why").fill(points)
        page.locator("input#q8-why").blur()
    with page.expect_response(lambda answer: "/api/comment/" in answer.url and answer.request.method == "PUT"):
        page.locator("textarea#q8-why-comment").fill(comment)
        page.locator("textarea#q8-why-comment").blur()


def test_a_reader_marks_one_answer_after_the_other_and_the_export_carries_it(
    reading: tuple[Course, Page], capsys: pytest.CaptureFixture[str]
) -> None:
    course, page = reading
    page.get_by_role("link", name="Submission #1").click()
    seen = []
    for points, comment in (("0.5", "And the gates?"), ("1", "Good.")):
        expect(page.get_by_text(SCHEME)).to_be_visible()
        expect(page.locator("input#q8-why")).to_have_class("score tabbable needs_manual_grade")
        seen.append(_answer(page))
        _mark(page, points, comment)
        expect(page.locator("input#q8-why")).not_to_have_class("score tabbable needs_manual_grade")
        page.locator("li.next a").click()
    first = "ada" if MEMORY in seen[0] else "bob"
    given = dict(zip((first, "bob" if first == "ada" else "ada"), ((0.5, "And the gates?"), (1, "Good.")), strict=True))
    assert sorted(MEMORY in answer for answer in seen) == [False, True], "next leads to the other student"
    found = {group.answers[0].student: group.answers[0] for group in groups(course).values()}
    assert {student: (answer.mark, answer.comment) for student, answer in found.items()} == given
    assert main(["--course", str(course.root), "export"]) == 0
    with (course.root / "grades.csv").open(encoding="utf-8") as file:
        marks = {row["student_id"]: (row["q8-why"], row["status"]) for row in csv.DictReader(file)}
    assert marks == {student: (f"{mark:g}", "graded") for student, (mark, _) in given.items()}
    assert [row.score for row in table(course, "ps1").rows] == [6 + given[name][0] for name in ("ada", "bob")]


def test_a_group_marked_by_command_shows_in_formgrader_above_its_scheme(
    reading: tuple[Course, Page], tmp_path: Path
) -> None:
    course, page = reading
    there = ["--course", str(course.root), "why"]
    for group, points in zip(groups(course).values(), ("1", "1"), strict=True):
        assert main([*there, "--mark", group.name, points, "--comment", "Read by group."]) == 0
    page.get_by_role("link", name="Submission #1").click()
    expect(page.locator("input#q8-why")).to_have_value("1")
    expect(page.locator("textarea#q8-why-comment")).to_have_value("Read by group.")
    expect(page.locator("input#q8-why")).not_to_have_class("score tabbable needs_manual_grade")
    page.screenshot(path=tmp_path / "formgrader.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    answer, scheme = page.locator("input#q8-why").bounding_box(), page.get_by_text(SCHEME).bounding_box()
    assert answer
    assert scheme
    assert 0 < scheme["y"] - answer["y"] < 700, "the marking scheme stands below the answer that it is for"
