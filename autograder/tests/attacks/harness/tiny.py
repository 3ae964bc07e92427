"""The tiny notebook: five questions that need NumPy alone, with the tests that many instructors write.

They compare with `==`, loop with `all`, trust NumPy's own comparisons and call a student's function.
"""

from collections.abc import Callable

import nbformat
from nbformat import NotebookNode

TOOLS = """import numpy as np

def same(a, b):
    return np.shape(a) == np.shape(b) and bool(np.allclose(a, b))
"""

SETUP = """import numpy as np

rows, columns = 3, 4
data = np.arange(12.0).reshape(rows, columns)"""

RIGHT = {
    "q1": "q1 = 12",
    "q2": "q2 = [(1, 1), (2, 4), (3, 9)]",
    "q3": "q3 = data.mean(axis=0)",
    "q4": "q4 = (rows, columns)",
    "q5": "def square(x):\n    return x * x",
    "why": "The rows are what is summed over.",
}

SOLUTIONS = {
    **{name: f"{name} = ...\n### BEGIN SOLUTION\n{RIGHT[name]}\n### END SOLUTION" for name in ("q1", "q2", "q3", "q4")},
    "q5": "def square(x):\n    ### BEGIN SOLUTION\n    return x * x\n    ### END SOLUTION",
}

HIDDEN = {
    "q1": 'assert q1 == 12, "q1: count the numbers in data."',
    "q2": """assert len(q2) == 3, "q2: three pairs are asked for."
assert all(b == a * a for a, b in q2), "q2: a second number is not the square of its first."
assert [a for a, b in q2] == [1, 2, 3], "q2: the first numbers are 1, 2, 3." """,
    "q3": """from tools import same

assert isinstance(q3, np.ndarray), "q3: not an array."
assert same(q3, np.array([4.0, 5.0, 6.0, 7.0])), "q3: these are not the means of the columns." """,
    "q4": 'assert q4 == (rows, columns), f"q4: {q4!r} is not the shape of data."',
    "q5": """xs = np.random.randint(2, 10**6, 5).tolist()  # evidence
got = [square(x) for x in xs]  # evidence
assert len(set(xs)) == 5, "q5: the numbers to square were tampered with."
assert got == [x * x for x in xs], "q5: square gives other numbers." """,
}


def tiny() -> NotebookNode:
    """The source notebook."""
    cells = [locked_cell("setup", SETUP)]
    for name, solution in SOLUTIONS.items():
        cells.append(course_cell(name, solution, solution=True))
        test = f"### BEGIN HIDDEN TESTS\n{HIDDEN[name].strip()}\n### END HIDDEN TESTS"
        cells.append(course_cell(f"{name}-test", test, grade=True, locked=True, points=3))
    text = "**Why are they the means?**\n\n### BEGIN SOLUTION\nAxis 0 is summed over.\n### END SOLUTION"
    cells.append(course_cell("why", text, kind="markdown", grade=True, solution=True, points=2))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook: NotebookNode = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    return notebook


def locked_cell(name: str, source: str) -> NotebookNode:
    """Return a locked cell."""
    return course_cell(name, source, locked=True)


def course_cell(name: str, source: str, kind: str = "code", **marks: bool | int) -> NotebookNode:
    """Return a cell with these marks of nbgrader's."""
    kinds: dict[str, Callable[..., NotebookNode]] = {
        "code": nbformat.v4.new_code_cell,
        "markdown": nbformat.v4.new_markdown_cell,
    }
    own = {"grade_id": name, "schema_version": 3, "grade": False, "solution": False, "locked": False, "task": False}
    return kinds[kind](source, id=name, metadata={"nbgrader": {**own, **marks}})
