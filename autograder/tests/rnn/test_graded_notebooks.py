"""The four graded notebooks: how they open, what they ask, what they give away, and that each claim is shown."""

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from nbformat import NotebookNode

from autograder.rnn.sample_answers import SAMPLES
from autograder.tests.support import NOTEBOOKS, SOURCE

MINUTES = dict(zip(NOTEBOOKS, (20, 15, 15, 15), strict=True))
UNGRADED = ("step_by_step", "output_to_target", "state_test", "stacked", "windows", "masking", "seven_models")
QUESTIONS = [f"q{number}" for number in range(1, 13)]
WHYS = ["q2-why", "q4-why", "q7-why", "q8-why", "q10-why", "q12-why"]
HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS\n(.*)### END HIDDEN TESTS", re.DOTALL)
INSTRUCTORS = re.compile(r"### BEGIN (SOLUTION|HIDDEN TESTS|MARK SCHEME)\n.*?### END \1\n?", re.DOTALL)
SPAN = re.compile(r"`([^`]+)`")
FENCE = re.compile(r"```.*?```", re.DOTALL)
SHAPES = {"q3": ["(1, 3)"], "q6": ["(1, 8, 3)", "(1, 3)"], "q9": ["(1, 3)"], "q11": ["(1, 8, 3)", "(1, 3)"]}
PLACE = re.compile(r"output\d?\[:, -1|last (row|step|timestep) of `?output|rows of output that", re.IGNORECASE)
GUESSES = ("guess", "row", "flags", "arrays")


def _seen(cell: NotebookNode) -> str:
    """The part of a cell that a learner sees."""
    return INSTRUCTORS.sub("", cell.source)


def _by_id(notebook: NotebookNode) -> dict[str, NotebookNode]:
    return {cell.id: cell for cell in notebook.cells}


@pytest.fixture(scope="module")
def cells(sources: dict[str, NotebookNode]) -> dict[str, NotebookNode]:
    """The cells of the questions, by id; other ids occur in several notebooks."""
    return {cell.id: cell for source in sources.values() for cell in source.cells if re.match(r"q\d", cell.id)}


def _before(notebook: NotebookNode, cell_id: str) -> Iterator[NotebookNode]:
    for cell in notebook.cells:
        if cell.id == cell_id:
            return
        yield cell


# how a notebook opens


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_opening_says_what_you_learn_and_how_long_it_takes(name: str, sources: dict[str, NotebookNode]) -> None:
    title = _by_id(sources[name])["title"].source.replace("\n", " ")
    for text in (
        "**After this notebook you can**",
        f"about {MINUTES[name]} minutes",
        "Shift+Enter",
        "10 to 20 seconds",
    ):
        assert text in title


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_map_links_the_eleven_notebooks(name: str, sources: dict[str, NotebookNode]) -> None:
    title = _by_id(sources[name])["title"].source
    linked = re.findall(r"\]\(([^)]*)\.ipynb\)", title)
    graded = [other for other in NOTEBOOKS if other != name]
    assert sorted(linked) == sorted([*graded, *(f"../explorations/{other}" for other in UNGRADED)])
    assert title.count("(you are here)") == 1


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_links_to_notebooks_lead_somewhere(name: str, sources: dict[str, NotebookNode]) -> None:
    texts = [cell.source for cell in sources[name].cells if cell.cell_type == "markdown"]
    linked = {link for text in texts for link in re.findall(r"\]\(([^):]*\.ipynb)\)", text)}
    assert [link for link in linked if not (SOURCE / link).is_file()] == []


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_only_the_set_up_is_collapsed(name: str, sources: dict[str, NotebookNode]) -> None:
    hidden = [cell.id for cell in sources[name].cells if cell.metadata.get("jupyter", {}).get("source_hidden")]
    assert hidden == ["setup"]


def test_a_state_is_explained_before_it_is_asked_about(sources: dict[str, NotebookNode]) -> None:
    notebook = sources["1_lstm"]
    ids = [cell.id for cell in notebook.cells]
    assert ids.index("state-text") + 1 == ids.index("cell") < ids.index("q2-ask")
    assert len(_by_id(notebook)["state-text"].source.split()) <= 120
    assert 'draw_cell("LSTM")' in _by_id(notebook)["cell"].source


# what a question asks


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_says_why_what_and_in_which_form(question: str, cells: dict[str, NotebookNode]) -> None:
    title, why, *asked, form = re.split(r"\n\n", FENCE.sub("", cells[f"{question}-ask"].source))
    assert title.startswith(f"## {question.upper()} · ")
    assert title.endswith("?")
    assert why.startswith("*Why it matters: ")
    assert asked[0].startswith("**")
    assert form.startswith("*Answer with* ")


def _examples(text: str) -> Iterator[Any]:
    """The values that a text shows as code."""
    for span in SPAN.findall(text):
        code = span.partition(" = ")[2] or span
        try:
            yield ast.literal_eval(code)
        except (ValueError, SyntaxError):
            continue


@pytest.mark.parametrize("question", QUESTIONS)
def test_no_example_is_a_right_answer(question: str, cells: dict[str, NotebookNode]) -> None:
    right = set()
    for sample in SAMPLES[question]:
        for value in re.findall(rf"^{question} = (.+)$", sample.code, re.MULTILINE) if sample.points == 2 else ():
            right.add(value.replace("'", '"').lower())
    shown = f"{cells[f'{question}-ask'].source}\n`{_seen(cells[question]).strip()}`"
    for example in _examples(shown):
        assert repr(example).replace("'", '"').lower() not in right


@pytest.mark.parametrize("name", WHYS)
def test_an_explanation_has_a_prompt_a_model_and_a_marking_scheme(name: str, cells: dict[str, NotebookNode]) -> None:
    source, question = cells[name].source, name.removesuffix("-why")
    assert source.startswith(f"**{question.upper()}, in your own words** (double-click to edit). ")
    assert len(re.search(r"BEGIN SOLUTION\n(.*)\n### END", source, re.DOTALL)[1].split()) >= 15  # type: ignore[index]
    scheme = cells[f"{question}-scheme"].source
    assert f"**Marking, {question.upper()} (1 point).** Full: " in scheme
    assert "Half" in scheme


def test_the_points(sources: dict[str, NotebookNode]) -> None:
    about = [
        cell.metadata.nbgrader for source in sources.values() for cell in source.cells if "nbgrader" in cell.metadata
    ]
    points = {meta.grade_id: meta.points for meta in about if meta.grade}
    assert points == {f"{question}-test": 2 for question in QUESTIONS} | dict.fromkeys(WHYS, 1)
    assert sum(points.values()) == 30


# what is given away


@pytest.mark.parametrize("question", list(SHAPES))
def test_no_shape_is_shown_before_its_question(question: str, sources: dict[str, NotebookNode]) -> None:
    notebook = next(source for source in sources.values() if question in _by_id(source))
    for cell in _before(notebook, f"{question}-test"):
        shown = _seen(cell) + "".join(str(output.get("text", output.get("data"))) for output in cell.get("outputs", ()))
        assert not [shape for shape in SHAPES[question] if shape in shown], cell.id
        assert "model.summary" not in shown  # it prints the shapes of what the layer returns


def test_nothing_before_q12_says_where_h_is(sources: dict[str, NotebookNode]) -> None:
    for name, source in sources.items():
        for cell in _before(source, "q12-test" if name == "4_gru_sequences" else ""):
            assert not PLACE.search(_seen(cell)), (name, cell.id)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_model_and_its_arrays_depend_on_no_guess_and_no_answer(name: str, sources: dict[str, NotebookNode]) -> None:
    filled = {*GUESSES, *QUESTIONS, "model5", "output5"}
    for cell_id in ("sizes", "model", "predict", "arrays"):
        code = _by_id(sources[name])[cell_id].source
        used = {node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}
        assert not used & filled, cell_id


# test cells


def _statements(question: str, cells: Mapping[str, NotebookNode]) -> list[ast.stmt]:
    hidden: str = HIDDEN.findall(cells[f"{question}-test"].source)[0]
    return ast.parse(hidden).body


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_test_cell_reads_like_numpys(question: str, cells: dict[str, NotebookNode]) -> None:
    source = cells[f"{question}-test"].source
    assert source.startswith(f'check("{question}", {question}, ')
    lines = [line for line in source.splitlines() if line and not line.startswith(("###", "from ", "import "))]
    assert 2 <= len(lines) <= 8
    asserted = [node for node in _statements(question, cells) if not isinstance(node, ast.Import | ast.ImportFrom)]
    for statement in asserted:
        if not isinstance(statement, ast.Assert):
            assert isinstance(statement, ast.Expr)
            assert isinstance(statement.value, ast.Call)
            assert re.match(r"assert_|np\.testing\.assert_", ast.unparse(statement.value.func))
    assert not [
        node for node in ast.walk(ast.parse(HIDDEN.findall(source)[0])) if isinstance(node, ast.Lambda | ast.Dict)
    ]
    assert not re.search(r"#(?!##)", HIDDEN.findall(source)[0].replace("###", ""))


# what is shown


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_eight_cells_and_more_are_compared(name: str, sources: dict[str, NotebookNode]) -> None:
    tagged = [cell for cell in sources[name].cells if "nbval-check-output" in cell.metadata.get("tags", ())]
    assert len(tagged) >= 8
    for cell in tagged:
        assert cell.outputs, cell.id
        assert not re.search(r"\d\.\d{3}", str(cell.outputs)), (
            cell.id
        )  # no number that another machine rounds differently


Run = tuple[dict[str, Any], dict[str, str]]  # the names at the end, and what the cells with a guess printed or showed


def _run(notebook: NotebookNode) -> Run:
    """Run a notebook as a learner gets it, all its answers and guesses open."""
    namespace: dict[str, Any] = {"__name__": "notebook"}
    shown = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            shown[cell.id] = _execute(_seen(cell), namespace)
    return namespace, shown


def _execute(code: str, namespace: dict[str, Any]) -> str:
    """Execute a cell; return what it prints, and its value as text."""
    printed: list[str] = []
    namespace["print"] = lambda *parts, sep=" ", end="\n": printed.append(sep.join(map(str, parts)) + end)
    *body, last = ast.parse(code).body
    if not isinstance(last, ast.Expr):
        exec(code, namespace)
        return "".join(printed)
    exec(compile(ast.Module(body, []), "cell", "exec"), namespace)
    value = eval(compile(ast.Expression(last.value), "cell", "eval"), namespace)
    return "".join(printed) + ("" if value is None else repr(value))


@pytest.fixture(scope="module")
def runs(sources: dict[str, NotebookNode]) -> Iterator[dict[str, Run]]:
    """Each notebook, run from top to bottom with nothing answered."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(SOURCE)
        yield {name: _run(source) for name, source in sources.items()}


def _right(question: str, cells: Mapping[str, NotebookNode]) -> str:
    solution: str = re.findall(r"BEGIN SOLUTION\n(.*)\n### END", cells[question].source, re.DOTALL)[0]
    return solution


@pytest.mark.tensorflow
@pytest.mark.xdist_group("tensorflow")
class TestRun:
    """After *Run All* with nothing answered."""

    @pytest.mark.parametrize("question", QUESTIONS)
    def test_an_answer_typed_from_the_top_is_right(
        self, question: str, cells: dict[str, NotebookNode], sources: dict[str, NotebookNode], runs: dict[str, Run]
    ) -> None:
        name = next(name for name, source in sources.items() if question in _by_id(source))
        namespace = dict(runs[name][0])
        check = _seen(cells[f"{question}-test"]).strip()
        assert eval(check, namespace).verdict == "not answered"
        exec(_right(question, cells), namespace)
        verdict = eval(check, namespace)
        assert verdict.verdict == "right", verdict

    @pytest.mark.parametrize("name", NOTEBOOKS)
    def test_an_open_guess_shows_nothing(
        self, name: str, sources: dict[str, NotebookNode], runs: dict[str, Run]
    ) -> None:
        compared = [cell.id for cell in sources[name].cells if "compare(" in cell.source]
        assert compared
        for cell_id in compared:
            assert "no guess yet" in runs[name][1][cell_id]
            assert not re.search(r"\d| it is ", runs[name][1][cell_id]), runs[name][1][cell_id]
        if name == "2_lstm_sequences":
            assert (runs[name][1]["row-picture"], runs[name][1]["filled"]) == ("", "")

    def test_a_guess_is_compared(self, sources: dict[str, NotebookNode], runs: dict[str, Run]) -> None:
        namespace, book = dict(runs["2_lstm_sequences"][0]), _by_id(sources["2_lstm_sequences"])
        namespace |= {"row": 0, "guess": "output"}
        assert "You guessed 0; it is 7." in _execute(book["row-check"].source, namespace)
        assert "A marks the same values: output[0, 7], h[0]" in _execute(book["row-picture"].source, namespace)
        assert "You guessed output: correct." in _execute(book["guess-compare"].source, namespace)
        namespace["row"] = -1
        assert "You guessed 7: correct." in _execute(book["row-check"].source, namespace)

    def test_the_table_is_filled_once_it_is_predicted(
        self, sources: dict[str, NotebookNode], runs: dict[str, Run]
    ) -> None:
        namespace, book = dict(runs["2_lstm_sequences"][0]), _by_id(sources["2_lstm_sequences"])
        namespace["flags"] = dict.fromkeys(namespace["flags"], (1, 2))
        table = _execute(book["table"].source, namespace)
        assert [line[0] for line in table.splitlines()[1:]] == ["✓", "✗", "✗", "✗"]
        filled = _execute(book["filled"].source, namespace).splitlines()
        assert re.split(r"  +", filled[1]) == ["False", "(1, 3)", "[(1, 3), (1, 3), (1, 3)]"]
        assert re.split(r"  +", filled[2]) == ["True", "(1, 8, 3)", "[(1, 8, 3), (1, 3), (1, 3)]"]
