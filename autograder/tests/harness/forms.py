"""The corpus of common forms of tests, from `tests/judging/forms`.

A form is a small source notebook: locked cells (given), answers and tests; then submissions that replace the first
answer: wrong ones, right ones with another type of answer (other), and right ones that only the instructor can judge
(open).
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from autograder.tests.harness.local_kernel import LIBRARIES

UNANSWERED = "raise NotImplementedError()"
FOLDER = Path(__file__).resolve().parents[1] / "judging" / "forms"


@dataclass
class Form:
    """A small source notebook and submissions."""

    name: str
    cells: list[tuple[str, str]] = field(default_factory=list)
    submissions: list[tuple[str, str]] = field(default_factory=list)

    @property
    def needs(self) -> set[str]:
        """The libraries that this form imports."""
        text = "\n".join(source for _, source in [*self.cells, *self.submissions])
        return {name for name in LIBRARIES if re.search(rf"^ *(import|from) {name}\b", text, re.MULTILINE)}

    def with_answer(self, answer: str) -> list[tuple[str, str]]:
        """Return the cells with another first answer."""
        place = next(place for place, (kind, _) in enumerate(self.cells) if kind == "answer")
        return [("answer", answer) if i == place else cell for i, cell in enumerate(self.cells)]

    def stubs(self) -> Iterator[list[tuple[str, str]]]:
        """Yield the notebook as students get it: without answers, and with empty functions if an answer has some."""
        empty = [(kind, UNANSWERED if kind == "answer" else source) for kind, source in self.cells]
        yield empty
        if not any(source.startswith("%") for _, source in self.cells):
            emptied = [(kind, _emptied(source) if kind == "answer" else source) for kind, source in self.cells]
            if emptied != empty:
                yield emptied


class _Emptier(ast.NodeTransformer):
    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.body = ast.parse(UNANSWERED).body
        return node

    visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment]  # noqa: N815


def _emptied(source: str) -> str:
    tree = ast.parse(source)
    if not any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in ast.walk(tree)):
        return UNANSWERED
    return ast.unparse(_Emptier().visit(tree))


def _forms() -> Iterator[Form]:
    for path in sorted(FOLDER.glob("*.txt")):
        for text in path.read_text().split("===== ")[1:]:
            name, *parts = re.split(r"^----- ", text, flags=re.MULTILINE)
            form = Form(name.strip())
            for kind, source in (part.split("\n", 1) for part in parts):
                cells = form.cells if kind in ("given", "answer", "test") else form.submissions
                cells.append((kind, source.strip("\n")))
            yield form


FORMS = {form.name: form for form in _forms()}
