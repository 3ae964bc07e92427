"""Read a source notebook, and what pages show of it: the titles of questions, their answer cells, the names of axes."""

import ast
import re
from collections.abc import Iterator
from functools import lru_cache

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_locked, is_solution, is_task

from autograder.notebook.cells import grade_id
from autograder.notebook.source import parse

WRITTEN = " (in your own words)"
_FENCED = re.compile(r"^ {0,3}(```|~~~).*?(?:^ {0,3}\1|\Z)", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(
    r"^ {0,3}#{1,6}[ \t]+(.+?)[ \t#]*$|^ {0,3}(\S.*)\n {0,3}(?:=+|-{2,})[ \t]*$|<h[1-6][^>]*>(.+?)</h[1-6]>",
    re.MULTILINE | re.IGNORECASE,
)
_MARKUP = re.compile(r"\[([^\]]*)\]\([^)]*\)|<[^>]*>|\*\*|`")  # a link keeps its text


@lru_cache(maxsize=32)
def parsed(content: bytes) -> NotebookNode:
    """Parse a source notebook, once for the same bytes. All callers share the result: do not modify it.

    Args:
        content: The bytes of the file.

    Raises:
        ValueError: It is not a notebook that nbformat can read.
    """
    notebook: NotebookNode = nbformat.reads(content.decode(), 4)
    return notebook


def titles(source: NotebookNode) -> dict[str, str]:
    """Return, by grade_id, the last heading before (or in) each cell; answer cells have none that counts."""
    headings, title = {}, ""
    for cell in source.cells:
        if cell.cell_type == "markdown" and not is_solution(cell):
            heads = _headings(cell.source)
            title = heads[-1] if heads else title
        written = WRITTEN if cell.cell_type == "markdown" and not is_task(cell) else ""
        headings[grade_id(cell)] = f"{title}{written}" if title else ""
    return headings


def _headings(text: str) -> list[str]:
    """Return the headings of a Markdown cell as plain text: `# …`, underlined ones, and `<h2>…</h2>`."""
    text = _FENCED.sub("", text)
    found = [next(filter(None, match.groups())) for match in _HEADING.finditer(text)]
    plain = [_MARKUP.sub(lambda mark: mark[1] or "", one).strip() for one in found]
    return [one for one in plain if one]


def labels(notebook: NotebookNode) -> dict[str, str]:
    """Return, by grade_id, what a learner calls each cell: the number of its question, or its heading in quotes.

    A written answer is "Q2, in your own words". The number ends at the first of ` · `, `: `, `. `, ` – ` and ` — `.
    """
    named, named_by = {}, titles(notebook)
    for cell in notebook.cells:
        title = named_by.get(grade_id(cell), "").removesuffix(WRITTEN)
        number = re.match(r"(\S.{,11}?)( ·|:|\.| –| —) ", title)
        label = number[1] if number else f"“{title}”" if title else ""
        if label and grade_id(cell):
            is_written = cell.cell_type == "markdown" and not is_task(cell)
            named[grade_id(cell)] = f"{label}, in your own words" if is_written else label
    return named


def answers_of(source: NotebookNode) -> dict[str, list[str]]:
    """Return, by the grade_id of each test cell, the answer cells since the previous test cell.

    An instructor's comment on the test may be on any of these cells.
    """
    by_test: dict[str, list[str]] = {}
    answers: list[str] = []
    for cell in source.cells:
        if is_grade(cell) and not is_solution(cell):
            by_test[grade_id(cell)], answers = answers, []
        elif is_solution(cell) and not is_grade(cell):
            answers.append(grade_id(cell))
    return by_test


def axes_of(source: NotebookNode) -> dict[int, str]:
    """Return the names of sizes: integers that locked cells assign to exactly one name."""
    by_size: dict[int, set[str]] = {}
    for cell in source.cells:
        for name, size in _sizes(cell.source) if cell.cell_type == "code" and is_locked(cell) else ():
            by_size.setdefault(size, set()).add(name)
    return {size: names.pop() for size, names in by_size.items() if len(names) == 1}


def _sizes(source: str) -> Iterator[tuple[str, int]]:
    """Yield each name that is assigned an integer: for `rows, columns = 1, 3`, (rows, 1) and (columns, 3)."""
    try:
        statements = parse(source).body
    except SyntaxError:  # for example an IPython magic
        return
    for node in statements:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            target, value = node.targets[0], node.value
            both = isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
            names, values = (target.elts, value.elts) if both else ([target], [value])  # type: ignore[attr-defined]
            for name, size in zip(names, values, strict=False):
                if isinstance(name, ast.Name) and isinstance(size, ast.Constant) and type(size.value) is int:
                    yield name.id, size.value
