"""What the explorations promise, cell by cell, and how they open. Their cells are run in `test_explorations_live`."""

import ast
import re
from collections import Counter

import pytest
from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_solution

from autograder.replay.nbval import code_cells, is_marked
from autograder.tests.rnn.exploration_facts import FACTS, Fact
from autograder.tests.rnn.live_notebook import EXPLORATIONS, RELEASED, is_check, read
from autograder.tests.support import ROOT

NAMES = tuple(FACTS)
WAY = (  # the order in which learners take the notebooks
    *("rnn_shapes/1_lstm", "rnn_shapes/2_lstm_sequences", "explorations/step_by_step"),
    *("explorations/output_to_target", "rnn_shapes/3_gru", "rnn_shapes/4_gru_sequences", "explorations/state_test"),
    *("explorations/stacked", "explorations/windows", "explorations/masking", "explorations/seven_models"),
)
CHARTS = re.compile(r"^(curves|heat_map|draw|draw_cell)\(", re.M)  # pictures are not compared
PRINTS = re.compile(r"^\s*(print|show|check|compare)\(", re.M)


def output(cell: NotebookNode) -> str:
    """Return what a code cell has stored, or what a markdown cell shows."""
    if cell.cell_type == "markdown":
        return str(cell.source)
    return "\n".join(part.get("text") or part.data["text/plain"] for part in cell.get("outputs", []))


def links(notebook: NotebookNode) -> list[str]:
    """Return the addresses of a notebook's links."""
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    return [link for text in texts for link in re.findall(r"\]\(([^)]+)\)", text)]


@pytest.mark.parametrize(
    ("name", "fact"), [pytest.param(name, fact, id=f"{name}-{fact.claim}") for name in NAMES for fact in FACTS[name]]
)
def test_each_fact_is_proved_by_its_cell(name: str, fact: Fact) -> None:
    cells = {cell.id: cell for cell in read(EXPLORATIONS, name).cells}
    assert not [text for text in fact.printed if text not in output(cells[fact.cell])]
    assert not [code for code in fact.code if code not in cells[fact.cell].source]
    assert is_marked(cells[fact.cell]) or cells[fact.cell].cell_type == "markdown" or not fact.printed


@pytest.mark.parametrize("name", NAMES)
def test_an_exploration_opens_like_the_graded_notebooks(name: str) -> None:
    title, setup, sizes = read(EXPLORATIONS, name).cells[:3]
    for part in ("**After this notebook you can**", "20 minutes", "Shift+Enter", "10 to 20 seconds", "(you are here)"):
        assert part in title.source
    others = [f"../{path}.ipynb".replace("../explorations/", "") for path in WAY if path != f"explorations/{name}"]
    assert re.findall(r"\]\(([^)]+)\)", title.source) == others
    assert setup.metadata.jupyter.source_hidden
    assert "nbgrader" not in sizes.metadata  # such a cell would be locked
    assert re.match(r"[\w, ]+ = [\d, ]+  # change a number", sizes.source)


@pytest.mark.parametrize("name", NAMES)
def test_an_exploration_is_short(name: str) -> None:
    cells = read(EXPLORATIONS, name).cells
    assert 20 <= len(cells) <= 25
    assert sum(map(is_marked, cells)) >= 10
    assert not [cell.id for cell in code_cells(read(EXPLORATIONS, name)) if len(cell.source.splitlines()) > 15]
    assert sum(map(is_solution, cells)) >= 4


@pytest.mark.parametrize("name", NAMES)
def test_every_cell_that_prints_is_compared(name: str) -> None:
    for cell in code_cells(read(EXPLORATIONS, name)):
        assert is_marked(cell) == bool(PRINTS.search(cell.source) and not CHARTS.search(cell.source)), cell.id
        assert bool(cell.outputs) == is_marked(cell), cell.id


@pytest.mark.parametrize("name", NAMES)
def test_a_cell_that_judges_prints_nothing_else(name: str) -> None:
    judging = [cell for cell in code_cells(read(EXPLORATIONS, name)) if is_check(cell.source)]
    assert len(judging) >= 4
    for cell in judging:
        assert len(PRINTS.findall(cell.source)) == 1, cell.id  # otherwise it would show what is asked
    checks = [cell for cell in judging if re.search(r"^check\(", cell.source, re.M)]
    assert all(is_grade(cell) and cell.metadata.nbgrader.points == 0 for cell in checks)  # Validate looks at these


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_later_cells_use_is_bound_in_one_cell(name: str) -> None:
    used = {cell.id: names_in(cell.source) for cell in code_cells(read(EXPLORATIONS, name))}
    times = Counter(word for bound, _ in used.values() for word in bound)
    again = {word for word, count in times.items() if count > 1}
    for cell, (bound, loaded) in used.items():
        assert not (loaded - bound) & again, cell


def names_in(code: str) -> tuple[set[str], set[str]]:
    """Return the names that a cell binds for other cells, and those that it loads."""
    bound: set[str] = set()
    loaded: set[str] = set()
    own: set[str] = set()  # of functions and comprehensions
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.FunctionDef):
            bound.add(node.name)
            own |= {argument.arg for argument in node.args.args}
            own |= {
                name.id for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
            }
        elif isinstance(node, ast.comprehension):
            own |= {name.id for name in ast.walk(node.target) if isinstance(name, ast.Name)}
        elif isinstance(node, ast.alias):
            bound.add(node.asname or node.name)
        elif isinstance(node, ast.Name):
            (bound if isinstance(node.ctx, ast.Store) else loaded).add(node.id)
    return bound - own, loaded - own


def test_links_lead_to_notebooks_that_exist() -> None:
    for path in WAY:
        folder, name = path.split("/")
        local = [link for link in links(read(ROOT / "notebooks" / folder, name)) if "://" not in link]
        assert local
        assert not [link for link in local if not (ROOT / "notebooks" / folder / link).is_file()]


def test_the_students_page_shows_the_way_through_all_eleven() -> None:
    page = (ROOT / "autograder" / "docs" / "pages" / "students.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \| `([\w/]+)` \|", page, re.M)
    assert [path for _, path in rows] == list(WAY)
    assert [int(number) for number, _ in rows] == list(range(1, len(WAY) + 1))


@pytest.mark.parametrize("name", NAMES)
def test_the_release_leaves_answers_open(name: str) -> None:
    source = read(EXPLORATIONS, name)
    text = (RELEASED / f"{name}.ipynb").read_text(encoding="utf-8")
    assert "BEGIN" not in text
    assert text.count("# put your answer in place of ...") == sum(map(is_solution, source.cells))
    released = "\n".join(cell.source for cell in code_cells(read(RELEASED, name)))
    for cell in filter(is_solution, source.cells):
        solution = re.search(r"### BEGIN SOLUTION\n(.*)\n### END", cell.source, re.DOTALL)
        assert solution
        assert solution[1] not in released
