"""Nothing that a student wrote or put out runs in an instructor's browser."""

import base64
import re
import struct
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbgrader.api import Gradebook

from autograder.course.course import Course
from autograder.gradebook.recorder import Recorder
from autograder.grading.annotate import show_verdict
from autograder.model import NotebookResult, Outcome, Reason, Result, Verdict
from autograder.notebook.sanitize import MAX_TEXT, TYPED, WIDGET, WIDGET_SENTENCE, inert, inert_sentence
from autograder.reports.nbgrader_feedback import feedback
from autograder.tests.harness.recorded import NAME, record
from autograder.tests.harness.servers import TOKEN, chromium, jupyter_server

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 2, 2)).decode()
FIRES = "window.hacked=1;document.title='hacked'"
SCRIPTS = [
    f"<script>{FIRES}</script>",
    f'<img src=x onerror="{FIRES}">',
    f'<svg onload="{FIRES}"><script>{FIRES}</script></svg>',
    f'<iframe srcdoc="<script>parent.{FIRES}</script>"></iframe>',
    f"[click](javascript:{FIRES})",
    f'![x](x"onerror="{FIRES})',
    f'<details open ontoggle="{FIRES}">',
    "$$\\href{javascript:" + FIRES + "}{x}$$",
    "\\begin{align}\\require{html}\\style{color:red}{x}\\end{align}",
    f"```\n</code></pre><script>{FIRES}</script>\n```",
    f"    </pre><script>{FIRES}</script>",
    f'<a href="javascript:{FIRES}" autofocus onfocus="{FIRES}">x</a>',
    f"[ref]: javascript:{FIRES}\n\n[ref]",
]


def _hostile() -> NotebookNode:
    """The notebook of the record tests, with scripts wherever a student may put them."""
    source = Path(__file__).parents[3] / "solutions" / "rnn_shapes" / f"{NAME}.ipynb"
    notebook: NotebookNode = nbformat.read(source, 4)
    everything = "\n\n".join(SCRIPTS)
    for cell in notebook.cells:
        cell.source = everything if cell.id == "q8-why" else cell.source
    extra = nbformat.v4.new_markdown_cell(everything, metadata={"nbgrader": {}})
    extra.attachments = {"x.svg": {"image/svg+xml": SCRIPTS[2]}}
    html = {"text/html": everything, "text/markdown": everything, "text/latex": SCRIPTS[7], "image/svg+xml": SCRIPTS[2]}
    html |= {"application/javascript": FIRES, "image/png": f'x" onerror="{FIRES}', "text/plain": everything}
    html |= {"application/vnd.jupyter.widget-view+json": {"model_id": "x"}}  # type: ignore[dict-item]
    outputs = [
        nbformat.v4.new_output("display_data", data=html, metadata={"image/png": {"width": f'1" onload="{FIRES}'}}),
        nbformat.v4.new_output("execute_result", data=html, execution_count=1),
        nbformat.v4.new_output("stream", name="stdout", text=everything),
        nbformat.v4.new_output("error", ename=SCRIPTS[0], evalue=SCRIPTS[1], traceback=[everything]),
    ]
    code = nbformat.v4.new_code_cell(f"# {SCRIPTS[0]}\n'''{everything}'''", outputs=outputs)
    notebook.cells[3:3] = [extra, code]
    return notebook


def _recorded(course: Course) -> Course:
    shown = inert(_hostile())
    for cell in shown.cells:
        if cell.id == "q9-test":
            cell.outputs = show_verdict(Verdict("q9-test", Outcome.FAILED, 0.0, "\n".join(SCRIPTS)))
    verdicts = tuple(Verdict(f"q{n}-test", Outcome.FAILED, 0.0, SCRIPTS[0]) for n in (8, 9, 10))
    verdicts = (verdicts[0], Verdict("q9-test", Outcome.NO_EVIDENCE, 0.0, SCRIPTS[1], Reason.DAMAGED), verdicts[2])
    result = NotebookResult(NAME, nbformat.writes(shown).encode(), verdicts, frozenset(), (SCRIPTS[0],))
    with Recorder(course, "ps1") as recorder:
        record(recorder, Result("ada", (result,), (SCRIPTS[0],)))
    return course


def test_what_is_left_is_text_and_real_images() -> None:
    shown = inert(_hostile())
    nbformat.validate(shown)
    text = nbformat.writes(shown)
    for gone in ('javascript":', '"image/svg+xml"', "widget-view", "text/latex", "text/markdown", "attachments"):
        assert gone not in text
    (code,) = [cell for cell in shown.cells if cell.cell_type == "code" and len(cell.outputs) == 4]
    assert [list(output.data) for output in code.outputs[:2]] == [["text/plain", "text/html"]] * 2
    for output in code.outputs[:2]:
        assert re.fullmatch(
            r'<img src="data:image/svg\+xml;base64,[\w+/=]+" alt="an output">', output.data["text/html"]
        )
    assert [dict(output.get("metadata", {})) for output in code.outputs[:2]] == [{}, {}]


def test_a_real_image_passes_and_a_false_one_does_not() -> None:
    def shown(data: str) -> dict[str, str]:
        output = nbformat.v4.new_output("display_data", data={"image/png": data, "text/plain": "a plot"})
        cell = nbformat.v4.new_code_cell("x", outputs=[output])
        return dict(inert(nbformat.v4.new_notebook(cells=[cell])).cells[0].outputs[0].data)

    assert shown(PNG) == {"text/plain": "a plot", "image/png": PNG}
    assert shown(base64.b64encode(b"<p onload=x>").decode()) == {"text/plain": "a plot"}
    svg = base64.b64encode(b"<svg onload=x>").decode()
    image = f'<img src="data:image/svg+xml;base64,{svg}" alt="an output">'
    assert shown(svg) == {"text/plain": "a plot", "text/html": image}, "an image runs no scripts"
    assert shown("no base64") == {"text/plain": "a plot"}
    assert shown(PNG + '" onerror="x') == {"text/plain": "a plot"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("IntSlider(value=3)", WIDGET_SENTENCE),
        ("interactive(children=(IntSlider(value=3),\n Output()))…", WIDGET_SENTENCE),
        ("", WIDGET_SENTENCE),
        ("one step of the LSTM", f"{WIDGET_SENTENCE}\none step of the LSTM"),
    ],
)
def test_a_sentence_takes_the_place_of_a_widget(text: str, shown: str) -> None:
    data = {WIDGET: {"model_id": "x"}, "text/plain": text, "image/png": PNG}
    output = nbformat.v4.new_output("display_data", data=data)
    cell = nbformat.v4.new_code_cell("x", outputs=[output])
    outputs = inert(nbformat.v4.new_notebook(cells=[cell])).cells[0].outputs
    assert [dict(output.data) for output in outputs] == [{"text/plain": shown, "image/png": PNG}]


def test_text_is_kept_short_and_printable() -> None:
    long = nbformat.v4.new_output("stream", name="stdout", text="x" * (MAX_TEXT + 5) + "\a")
    cell = nbformat.v4.new_code_cell(
        "x", outputs=[long, nbformat.v4.new_output("error", ename="E", evalue="", traceback=[])] * 70
    )
    outputs = inert(nbformat.v4.new_notebook(cells=[cell])).cells[0].outputs
    assert outputs[0].text.endswith("characters more)")
    assert len(outputs[0].text) < MAX_TEXT + 50
    assert len(outputs) == 50


def test_the_courses_own_markdown_stays_as_it_is() -> None:
    notebook = _hostile()
    before = {cell.id: cell.source for cell in notebook.cells if cell.id == "title"}
    assert {cell.id: cell.source for cell in inert(notebook).cells if cell.id == "title"} == before


def test_the_courses_text_between_questions_stays_as_it_is_with_its_pictures() -> None:
    attachments = {"given.png": {"image/png": PNG}}
    cell = nbformat.v4.new_markdown_cell('<p style="color: red">Look: ![g](attachment:given.png)</p>', id="a")
    cell.attachments = attachments
    source = nbformat.v4.new_notebook(cells=[cell])
    (kept,) = inert(source, source).cells
    assert (kept.source, kept.attachments, kept.metadata) == (cell.source, attachments, {TYPED: cell.source})
    edited = nbformat.from_dict(source)
    edited.cells[0].source += " mine"
    (shown,) = inert(edited, source).cells
    assert "style" not in re.sub("&lt;.*?&gt;", "", shown.source)
    assert shown.metadata[TYPED].endswith(" mine")


def test_a_comment_quotes_without_markup() -> None:
    assert inert_sentence("q3: <img src=x> [a](b)\n\nis `not` plain") == "q3: ‹img src=x› ［a］(b) is ʼnotʼ plain"


@pytest.mark.browser
@pytest.mark.kernel
def test_nothing_runs_in_feedback(own: Course) -> None:
    feedback(_recorded(own), "ps1")
    page_file = own.folder("feedback", "ps1", "ada") / f"{NAME}.html"
    with chromium() as browser:
        _unharmed(browser.new_page(), page_file.as_uri())


@pytest.mark.browser
@pytest.mark.kernel
def test_nothing_runs_in_formgrader(own: Course) -> None:
    course = _recorded(own)
    with Gradebook(course.directory.db_url, course.directory.course_id) as book:
        row = book.find_submission_notebook(NAME, "ps1", "ada").id
    with jupyter_server(course.root) as address, chromium() as browser:
        _unharmed(browser.new_page(), f"{address}/formgrader/submissions/{row}/?token={TOKEN}")


def _unharmed(page: object, address: str) -> None:
    """Open a page, click and focus all that a student's text could have made, and see that no script ran."""
    from playwright.sync_api import Page

    assert isinstance(page, Page)
    asked: list[str] = []
    page.on("dialog", lambda dialog: asked.append(dialog.message))
    page.route("https://**", lambda route: route.abort())
    page.goto(address, wait_until="load")
    assert "What does a GRU layer return?" in page.content()
    page.evaluate(
        "document.querySelectorAll('a[href^=javascript],[onfocus],[onerror],[onload]').forEach(e => e.click())"
    )
    assert page.evaluate("window.hacked") is None
    assert "hacked" not in page.title()
    assert asked == []
    found = page.evaluate(
        "[...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a => "
        "(a.name.startsWith('on') || /^javascript:/i.test(a.value)) && a.value.includes('hacked'))).length"
    )
    assert found == 0
