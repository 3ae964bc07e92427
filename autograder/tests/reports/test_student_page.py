"""Feedback: a page a student, nbgrader's own pages, and nbgrader's way to hand them back."""

import json
import re
import subprocess
import sys
from dataclasses import asdict, replace

import nbformat
import pytest
from traitlets.config import Config

from autograder.cli.main import main
from autograder.course.course import Course
from autograder.evidence.display import display
from autograder.gradebook.graded_notebooks import KEY, keep
from autograder.gradebook.queries import comments
from autograder.gradebook.recorder import Recorder
from autograder.grading.annotate import show_verdict
from autograder.model import NotebookResult, Outcome, Reason, Result, Verdict
from autograder.notebook.explanations import WrittenQuestion, written_questions
from autograder.notebook.landmarks import answers_of, axes_of, titles
from autograder.notebook.sanitize import TYPED, inert
from autograder.reports.nbgrader_feedback import feedback
from autograder.reports.student_page import Pages
from autograder.tests.harness.recorded import NAME, record
from autograder.tests.harness.servers import chromium
from autograder.tests.support import ROOT, SOURCE

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
FIRES = "<script>window.hacked=1</script><img src=x onerror=window.hacked=1>"
WRONG = Verdict(
    "q9-test",
    Outcome.FAILED,
    0.0,
    "h: the batch axis is missing. Look. Right: …",
    mistake="h: the batch axis is missing.",
    help="Print h.shape.",
    expected="{'output': (1, 3), 'h': (1, 3)}",
    given="{'output': (1, 3), 'h': (3,)}",
)


def _graded(course: Course, *verdicts: Verdict, repairs: tuple[str, ...] = (), untouched: str = "") -> Course:
    """The course of the record tests with ada's notebook recorded, all passed but for these verdicts."""
    passed = [Verdict(f"q{n}-test", Outcome.PASSED, 2.0, given="[('output', 'h')]") for n in (8, 9, 10)]
    by_cell = {verdict.cell: verdict for verdict in (*passed, *verdicts)}
    notebook = nbformat.read(SOURCE / f"{NAME}.ipynb", 4)
    for cell in notebook.cells:
        if verdict := by_cell.get(cell.metadata.get("nbgrader", {}).get("grade_id", "")):
            cell.outputs = show_verdict(verdict)
            keep(cell, verdict)
    content = nbformat.writes(notebook).encode()
    result = NotebookResult(NAME, content, tuple(by_cell.values()), frozenset({untouched} - {""}), repairs)
    with Recorder(course, "ps1") as recorder:
        record(recorder, Result("ada", (result,), ()))
    return course


def _comment(course: Course, cell: str, text: str, mark: float | None = None) -> None:
    with course.gradebook() as book:
        book.find_comment(cell, NAME, "ps1", "ada").manual_comment = text
        if mark is not None:
            grade = book.find_grade(cell, NAME, "ps1", "ada")
            grade.manual_score, grade.needs_manual_grade = mark, False
        book.db.commit()


def _page(course: Course) -> str:
    (path,) = Pages(course, "ps1").write(["ada"])
    assert path == course.root / "feedback" / "ada" / "ps1.html"
    return path.read_text(encoding="utf-8")


def _text(page: str) -> str:
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]*>", " ", page, flags=re.DOTALL).split())


def _titles() -> dict[str, str]:
    return titles(nbformat.read(SOURCE / f"{NAME}.ipynb", 4))


def test_a_wrong_answer_is_shown_with_its_mistake_help_and_picture(own: Course) -> None:
    page = _page(_graded(own, WRONG))
    shown = _text(page)
    title = _titles()["q9-test"]
    assert f"{title} ✗ wrong · 0 of 2 h: the batch axis is missing. Hint: Print h.shape." in shown
    assert "part you gave correct output (1, 3) (1, 3) ✓ h (3,) (1, 3) ✗" in shown
    assert 'alt="h: you gave (units: 3); right is (batch: 1, units: 3)"' in page
    assert page.count("<img ") == 1
    assert "✓ right · 2 of 2 You gave: [(&#39;output&#39;, &#39;h&#39;)]" in shown


@pytest.mark.parametrize(
    ("verdict", "shown"),
    [
        (
            Verdict("q9-test", Outcome.FAILED, 1.0, "half of it.", mistake="half of it."),
            "◐ partly right · 1 of 2 half of it.",
        ),
        (Verdict("q9-test", Outcome.FAILED, 0.0, "by an older version."), "✗ wrong · 0 of 2 by an older version."),
        (
            Verdict("q9-test", Outcome.NOT_ATTEMPTED, 0.0, "x"),
            "○ not answered · 0 of 2 You did not answer this question.",
        ),
        (
            Verdict("q9-test", Outcome.NO_EVIDENCE, 0.0, "it ran too long.", Reason.TIMEOUT),
            "✕ not judged · 0 of 2 it ran too long.",
        ),
        (
            Verdict("q9-test", Outcome.GRADER_ERROR, None, "NameError: secret_of_the_test"),
            "? not marked yet · – of 2 The grader failed here. "
            "You lose no points: your instructor can see this and will mark it.",
        ),
    ],
)
def test_each_verdict_has_its_words(verdict: Verdict, shown: str, own: Course) -> None:
    page = _text(_page(_graded(own, verdict)))
    assert shown in page
    assert "secret_of_the_test" not in page


def test_a_page_has_the_name_that_the_roster_gives(own: Course) -> None:
    (own.root / "roster.csv").write_text("id,first_name,last_name\nada,Ada,O'Hara\n", encoding="utf-8")
    page = _page(_graded(own))
    assert "<title>ps1: feedback for Ada O&#39;Hara (ada)</title>" in page
    assert "<h1>ps1: feedback for Ada O&#39;Hara (ada)</h1>" in page


def test_written_answers_wait_are_read_or_were_left(own: Course) -> None:
    graded = _graded(own)
    why = _titles()["q8-why"]
    assert f"{why} ? not marked yet · – of 1 Your instructor has not marked this answer yet." in _text(_page(graded))
    assert "2 answers are not marked yet; their points will be added." in _text(_page(graded))
    _comment(graded, "q8-why", "Nearly:\nand the gates?", 0.5)
    read = _page(graded)
    assert f"{why} ● marked · 0.5 of 1 Your explanation" in _text(read)
    assert "Instructor's comment: Nearly: and the gates?" in _text(read)
    assert "Nearly:\nand the gates?</blockquote>" in read
    assert "6.5 of 8 1 answer is not marked yet; its points will be added." in _text(read)
    assert "which will be added" not in _text(read)
    left = _graded(own, untouched="q8-why")
    _comment(left, "q8-why", "", 0.0)
    assert f"{why} ○ not answered · 0 of 1 You did not answer this question." in _text(_page(left))


def _solution(name: str) -> str:
    """The course's own written answer."""
    cells = {cell.id: cell.source for cell in nbformat.read(SOURCE / f"{NAME}.ipynb", 4).cells}
    return str(cells[name]).partition("### BEGIN SOLUTION\n")[2].partition("\n### END SOLUTION")[0]


def _with_answer(course: Course, text: str, attachments: dict[str, dict[str, str]] | None = None) -> str:
    """The part of ada's page about Q8, with this text under the question."""
    path = course.folder("autograded", "ps1", "ada") / f"{NAME}.ipynb"
    notebook = nbformat.read(path, 4)
    for cell in notebook.cells:
        if cell.id == "q8-why":
            cell.source = f"{cell.source.partition('### BEGIN')[0]}{text}"
            cell |= {"attachments": attachments} if attachments else {}
    nbformat.write(inert(notebook), path)
    return _page(course).partition('id="q8-why"')[2].partition("</section>")[0]


def test_the_model_explanation_is_beside_the_students_own(own: Course) -> None:
    section = _with_answer(_graded(own), "h <b>does</b> both.\n\n* I *think*.")
    assert "<h4>Your explanation</h4><blockquote><div><p>h <b>does</b> both.</p>" in section
    assert "<li>I <em>think</em>.</li>" in section
    model = _text(section.partition("<h4>Model explanation</h4>")[2])
    assert model.replace(" ", "") == "".join(_solution("q8-why").replace("`", "").split())
    assert "BEGIN SOLUTION" not in section
    assert "What became of" not in model


def test_formulas_and_pictures_of_an_answer_are_shown(own: Course) -> None:
    section = _with_answer(
        _graded(own),
        "$h_t$ and $$\\frac{1}{2}$$ and $\\oops$ ![mine](attachment:my%20plot.png)",
        {"my plot.png": {"image/png": PNG}},
    )
    for formula in ("h_t", r"\frac{1}{2}"):
        assert f'<img alt="{formula}" src="data:image/svg+xml;base64,' in section
    assert section.count('class="formula"') == 2
    assert "<code>$\\oops$</code>" in section
    assert f'<img alt="mine" src="data:image/png;base64,{PNG}" title="my plot.png">' in section


def test_an_unanswered_question_has_the_model_explanation_alone(own: Course) -> None:
    graded = _graded(own, untouched="q8-why")
    path = graded.folder("autograded", "ps1", "ada") / f"{NAME}.ipynb"
    notebook = nbformat.read(path, 4)
    stub = written_questions(nbformat.read(SOURCE / f"{NAME}.ipynb", 4), graded.settings)["q8-why"].stub
    for cell in notebook.cells:
        if cell.id == "q8-why":
            cell.source = cell.metadata[TYPED] = stub
    nbformat.write(notebook, path)
    section = _page(graded).partition('id="q8-why"')[2].partition("</section>")[0]
    assert "Your explanation" not in section
    assert "Model explanation" in section


def test_a_whole_cell_is_the_model_where_no_part_is_marked_as_solution() -> None:
    about = {"grade": True, "solution": True, "locked": False, "grade_id": "a", "points": 1, "schema_version": 3}
    cell = nbformat.v4.new_markdown_cell("Because **so**.", metadata={"nbgrader": about})
    questions = written_questions(nbformat.v4.new_notebook(cells=[cell]), Config())
    assert questions == {"a": WrittenQuestion("YOUR ANSWER HERE", "Because **so**.")}


def test_a_partly_right_answer_has_the_right_one_beside_it(own: Course) -> None:
    given = "{'holds': 'all hidden states', 'axes': ('batch', 'timesteps', 'features')}"
    lost = Verdict("q9-test", Outcome.FAILED, 1.0, "x", mistake="axes: no.", given=given)
    expected = "{'axes': ('batch', 'timesteps', 'units')}"
    shown = _text(_page(_graded(own, replace(lost, expected=expected))))
    assert "holds &#39;all hidden states&#39; &#39;all hidden states&#39; ✓ axes" in shown
    assert "(&#39;batch&#39;, &#39;timesteps&#39;, &#39;units&#39;) ✗" in shown
    assert "not asked for" not in shown


def test_several_open_marks(own: Course) -> None:
    error = Verdict("q9-test", Outcome.GRADER_ERROR, None, "our fault.")
    assert "3 answers are not marked yet; their points will be added." in _text(_page(_graded(own, error)))


def test_a_readers_comment_on_code_stands_at_its_question(own: Course) -> None:
    graded = _graded(own, WRONG)
    _comment(graded, "q9", "See me.")
    assert re.search(r'id="q9".*?See me\..*?id="q10"', _page(graded), re.DOTALL)


def test_repairs_and_lateness_are_told(own: Course) -> None:
    late = own.root / "submitted" / "ada" / "ps1" / "timestamp.txt"
    late.write_text("2027-02-01 09:00 UTC")
    settings = own.root / "nbgrader_config.py"
    settings.write_text(
        settings.read_text() + 'c.AssignLatePenalties.plugin_class = "autograder.gradebook.late_policy.DailyPenalty"\n'
    )
    shown = _text(_page(_graded(Course.at(own.root), repairs=("q9-test: the test cell was deleted.",))))
    assert "5.4 of 8 (0.6 deducted because it was late)" in shown
    assert "What we repaired before running your notebooks 3_gru: q9-test: the test cell was deleted." in shown


def test_the_page_is_one_students_own(own: Course) -> None:
    graded = _graded(own, WRONG)
    with graded.gradebook() as book:
        book.add_student("zoe")
    assert Pages(graded, "ps1").write(["ada", "zoe", "nobody"]) == [graded.root / "feedback" / "ada" / "ps1.html"]
    assert "zoe" not in (graded.root / "feedback" / "ada" / "ps1.html").read_text("utf-8")


def test_the_command_writes_both_pages_and_they_show_no_hidden_test(
    own: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    _graded(own, WRONG)
    assert main(["--course", str(own.root), "feedback"]) == 0
    assert capsys.readouterr().out == f"feedback for 1 students: {own.root / 'feedback' / '<student>' / 'ps1'}.html\n"
    pages = sorted((own.root / "feedback").rglob("*.html"))
    assert [page.name for page in pages] == [f"{NAME}.html", "ps1.html"]
    for page in pages:
        text = page.read_text("utf-8")
        for hidden in (
            "HIDDEN",
            "MARK SCHEME",
            "Marking,",
            "autograder.rnn.assertions",
            "autograder.testing",
            "recurrence",
            "shapes_fault",
            KEY + '"',
        ):
            assert hidden not in text, f"{page}: {hidden}"
        assert "data:image/svg+xml;base64," in text, "both have the picture"
    assert f'href="ps1/{NAME}.html"' in pages[1].read_text("utf-8")


@pytest.mark.browser
def test_a_page_in_a_browser_is_whole_inert_and_asks_for_nothing(own: Course) -> None:
    fields = asdict(WRONG) | {"mistake": FIRES, "help": FIRES, "given": display({"h": (3,), FIRES: 1})}
    graded = _graded(own, Verdict(**fields), repairs=(FIRES,))
    _comment(graded, "q8-why", FIRES)
    _page(graded)
    asked: list[str] = []
    with chromium() as browser:
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto((graded.root / "feedback" / "ada" / "ps1.html").as_uri(), wait_until="load")
        assert page.evaluate("window.hacked") is None
        assert page.locator("section").count() == 5
        assert page.get_by_text("window.hacked").count() >= 4
        assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 100)")
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def _nbgrader(course: Course, *options: str) -> None:
    command = [sys.executable, "-m", "nbgrader", *options]
    done = subprocess.run(command, cwd=course.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.process
def test_nbgraders_own_way_hands_back_the_pages(own: Course, tmp_path_factory: pytest.TempPathFactory) -> None:
    submitted = own.root / "submitted" / "ada" / "ps1"
    (submitted / "timestamp.txt").write_text("2027-01-30 18:00:00 UTC")
    (submitted / "submission_secret.txt").write_text("a secret of this submission")
    settings = own.root / "nbgrader_config.py"
    chain = "from autograder.reports.nbgrader_feedback import CHAIN\nc.GenerateFeedback.preprocessors = CHAIN\n"
    settings.write_text(settings.read_text() + chain + "c.CourseDirectory.course_id = 'c1'\n")
    course = _graded(Course.at(own.root), WRONG)
    exchange = tmp_path_factory.mktemp("exchange")
    exchange.chmod(0o777)
    feedback(course, "ps1")
    kept = (course.root / "feedback" / "ada" / "ps1.html").read_bytes()
    _nbgrader(course, "generate_feedback", "ps1", "--force")
    assert (course.root / "feedback" / "ada" / "ps1.html").read_bytes() == kept
    _nbgrader(course, "release_feedback", "ps1", f"--Exchange.root={exchange}")
    (released,) = (exchange / "c1" / "feedback").iterdir()
    assert released.read_bytes() == (course.root / "feedback" / "ada" / "ps1" / f"{NAME}.html").read_bytes()
    assert "data:image/svg+xml;base64," in released.read_text("utf-8")


def test_comments_are_read_with_whose_they_are(own: Course) -> None:
    graded = _graded(own, WRONG, untouched="q8-why")
    _comment(graded, "q9", "See me.")
    with graded.gradebook() as book:
        found = comments(book, "ps1")
    assert {where: (said.no_response, said.by_instructor) for where, said in found.items()} == {
        ("ada", (NAME, "q8-why")): (True, ""),
        ("ada", (NAME, "q9")): (False, "See me."),
    }


def test_landmarks_of_the_course() -> None:
    sources = {path.stem: nbformat.read(path, 4) for path in sorted(SOURCE.glob("*.ipynb"))}
    assert axes_of(sources["1_lstm"]) == {1: "batch", 8: "timesteps", 2: "features", 3: "units"}
    assert titles(sources["1_lstm"])["q5-test"] == "Q5 · What does the layer return with return_state=False?"
    assert answers_of(sources["1_lstm"])["q5-test"] == ["q5"]
    small = nbformat.read(ROOT / "autograder/tests/courses/small/source/ps1/basics.ipynb", 4)
    assert all(cells for cells in answers_of(small).values())


def test_sizes_that_two_names_share_and_magics_name_nothing() -> None:
    locked = {"nbgrader": {"grade_id": "x", "locked": True}}
    sources = ["%matplotlib inline", "a, b = 1, 2\nc = 2\nflag = True\nd: int = 5\n(e, f) = g = 6, 7"]
    cells = [nbformat.v4.new_code_cell(source, metadata=locked) for source in sources]
    assert axes_of(nbformat.v4.new_notebook(cells=cells)) == {1: "a"}


NOT_KEPT = ("cell", "traceback", "proof", "empty")


def test_verdicts_survive_being_kept(own: Course) -> None:
    _graded(own, WRONG)
    path = own.root / "autograded" / "ada" / "ps1" / f"{NAME}.ipynb"
    cells = {
        cell["metadata"].get("nbgrader", {}).get("grade_id"): cell for cell in json.loads(path.read_text())["cells"]
    }
    kept = {key: value for key, value in asdict(WRONG).items() if key not in NOT_KEPT}
    assert cells["q9-test"]["metadata"][KEY] == {**kept, "detail": []}
