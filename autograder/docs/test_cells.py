"""Generate the page that shows all test cells of the graded notebooks."""

import re

import nbformat
from nbgrader.utils import is_grade

from autograder.docs.texts import ROOT

SOURCES = ROOT / "solutions" / "rnn_shapes"
HEAD = """# The twelve test cells

Students see only the line with `check`. Everything else is between `### BEGIN HIDDEN TESTS` and `### END HIDDEN TESTS`,
and runs where no student code runs. You may replace an assertion by a plain `assert`, such as
`assert q3["output"] == (1, 3)`. Run `autograder release` after a change: it runs each test on the solution and on an
unanswered notebook.
"""


def pages() -> dict[str, str]:
    """Return the page by its file name."""
    text = HEAD
    for path in sorted(SOURCES.glob("*.ipynb")):
        cells = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code" and is_grade(cell)]
        text += f"\n## {path.stem}\n"
        for cell in cells:
            source = re.sub(r"^### (BEGIN|END) HIDDEN TESTS\n?", "", cell.source, flags=re.MULTILINE).strip()
            points = cell.metadata.nbgrader.points
            text += f"\n### {cell.metadata.nbgrader.grade_id} ({points:g} points)\n\n```python\n{source}\n```\n"
    return {"instructors/test-cells.md": text}
