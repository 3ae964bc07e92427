"""Which names a test takes from whom: itself, declared evidence, the source's prelude, the student's answers."""

import ast
from typing import Any

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.judging.test_plan import plans, with_visible
from autograder.model import TestPlan


def cell(source: str, **rights: Any) -> NotebookNode:
    metadata = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3, **rights}
    made: NotebookNode = new_code_cell(source, metadata={"nbgrader": metadata})
    return made


def locked(source: str) -> NotebookNode:
    return cell(source, grade_id="setup", locked=True)


def answer(source: str) -> NotebookNode:
    return cell(source, grade_id="q", solution=True)


def free(source: str) -> NotebookNode:
    made: NotebookNode = new_code_cell(source)
    return made


def check(source: str, **rights: Any) -> NotebookNode:
    return cell(source, **{"grade_id": "q-test", "grade": True, "locked": True, "points": 2, **rights})


def every(*cells: NotebookNode) -> tuple[TestPlan, ...]:
    return plans(new_notebook(cells=list(cells)))


def plan(*cells: NotebookNode | str) -> TestPlan:
    """The plan of the last cell, which is a test's source."""
    *before, test = cells
    assert isinstance(test, str)
    return every(*(cell if isinstance(cell, NotebookNode) else locked(cell) for cell in before), check(test))[-1]


def answers(*cells: NotebookNode | str) -> list[str]:
    return list(plan(*cells).answers)


def prelude(*cells: NotebookNode | str) -> list[str]:
    return plan(*cells).prelude.splitlines()


def same(one: str, other: str) -> bool:
    return ast.dump(ast.parse(one)) == ast.dump(ast.parse(other))


# --- the test's own -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "test",
    [
        "assert len(str(abs(-1))) == 1 and isinstance(True, int)",
        "import math\nassert math.pi",
        "import os.path as place\nassert place",
        "from math import pi, tau as turn\nassert pi < turn",
        "a = b = 1\nassert a == b",
        "(a, [b, *c]) = (1, [2, 3])\nassert a + b + c[0]",
        "a: int = 1\nassert a",
        "for i, (j, k) in enumerate([(1, 2)]):\n    assert i + j + k\nelse:\n    i",
        "while (n := 1) > 1:\n    n",
        "assert (n := 3) and n",
        "assert [i * j for i in (1, 2) for j in (i, 3) if j]",
        "assert {i for i in (1,)} and {k: v for k, v in ((1, 2),)} and list(i for i in (1,))",
        "assert any((hit := i) > 1 for i in (1, 2))\nassert hit",
        "with open('x') as file, open('y') as (a, b):\n    file, a, b",
        "try:\n    x = 1\nexcept (ValueError, KeyError) as error:\n    print(error)\nelse:\n    x\nfinally:\n    x",
        "def f(a, *b, c=1, **d):\n    e = a\n    return a, b, c, d, e\nassert f(1)",
        "def f():\n    def g():\n        return x\n    x = 1\n    return g\nassert f()",
        "def f():\n    return g()\ndef g():\n    return 1\nassert f()",
        "def f(n):\n    return f(n - 1)\nassert f",
        "def f():\n    x = 1\n    def g():\n        nonlocal x\n        x = 2\n    g()\nf()",
        "def f():\n    global seen\n    seen = 1\nf()\nassert seen",
        "seen = 0\ndef f():\n    global seen\n    seen += 1\nf()\nassert seen",
        "f = lambda x, *y, z=1: (x, y, z)\nassert f(1)",
        "x = 2\nassert f'{x:{x}} {x!r} {x=}'",
        "class A:\n    x = 1\n    y = x\n    def m(self):\n        return self.y, g()\ndef g(): ...\nassert A().m()",
        "import functools\n@functools.cache\ndef f(x: int) -> str:\n    return ''\nassert f(1)",
        "match (1, 2):\n    case (a, b) if a < b:\n        a + b\n    case str() as s:\n        s",
        "match {}:\n    case {'k': v, **rest}:\n        v, rest\n    case [x, *y] | (x, y):\n        x, y",
        "total = 0\ntotal += 1\nassert total",
        "async def f():\n    async with open('x') as g:\n        await g",
        "x = 1\ndel x",
        "assert __name__",
    ],
)
def test_a_test_needs_nothing_for_what_it_binds_itself(test: str) -> None:
    found = plan("i = j = k = n = x = 7", test)
    assert (found.answers, found.prelude, found.evidence) == ((), "", ())
    assert same(found.test, test)


@pytest.mark.parametrize(
    "test",
    [
        "assert q1 == 1",
        "total = 0\ntotal += q1",
        "total = 0\nfor i in range(3):\n    total += q1[i]",
        "q1 += 1",
        "q1 = q1.strip().lower()\nassert q1 == 'a'",
        "q1: str = q1.strip()",
        "kept, q1 = q1, None",
        "for q1 in q1:\n    pass",
        "for i in (1, 2):\n    q1 = q1 * i",
        "if q2 := q1:\n    pass",
        "assert [x for x in q1]",
        "assert [x + q1 for x in (1, 2)]",
        "q1 = [q1[i] for i in (0, 1)]",
        "assert {x: y for x in (1,) for y in q1}",
        "assert all(x == q1 for x in (1,))",
        "f = lambda x: x + q1\nassert f(1)",
        "def f(x=q1):\n    return x",
        "def f(x: q1):\n    return x",
        "def f():\n    return [lambda: q1]\nassert f()",
        "def f():\n    global q1\n    q1 += 1\nf()",
        "@q1\ndef f(): ...",
        "class A(q1): ...",
        "class A:\n    x = q1",
        "class A:\n    def m(self):\n        return q1",
        "assert f'{q1}' and True",
        "assert f'{1:{q1}}'",
        "with q1 as x:\n    pass",
        "try:\n    pass\nexcept q1:\n    pass",
        "try:\n    pass\nfinally:\n    print(q1)",
        "if True:\n    if True:\n        print(q1)",
        "match q1:\n    case 1:\n        pass",
        "match 1:\n    case x if x == q1:\n        pass",
        "match 1:\n    case q1.x:\n        pass",
        "q1[0] = 1",
        "q1.x = 1",
        "kept = q1\ndel q1\nq1 = kept",
        "assert (lambda: q1)() and (q2 := 1)",
        "async def f():\n    return [x async for x in q1]",
        "while q1:\n    q1 = None",
        "print(q1)\nimport q1",
        "q1",
    ],
)
def test_what_a_test_reads_of_the_student_is_an_answer(test: str) -> None:
    assert answers(answer("q1 = ..."), test) == ["q1"]
    assert answers(answer("### stub\nraise NotImplementedError()"), test) == ["q1"]


def test_answers_are_sorted_and_each_named_once() -> None:
    assert answers("assert q2 + q10 + q1 + q2") == ["q1", "q10", "q2"]


def test_a_builtin_that_the_notebook_binds_is_no_builtin() -> None:
    assert answers(answer("sum = ..."), "assert sum == 6 and len([1])") == ["sum"]
    assert prelude("max = 3", "assert max == 3") == ["max = 3"]
    assert answers("assert sum([1])") == []


# --- prelude ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setup", "test", "expected"),
    [
        ("import numpy as np", "assert np.ones", "import numpy as np"),
        ("from math import pi, tau", "assert tau", "from math import pi, tau"),
        ("import os.path", "assert os", "import os.path"),
        ("import a.b\nimport c\nimport a.d", "assert a.b", "import a.b\nimport a.d"),
        ("x = 3", "assert x", "x = 3"),
        ("x, (y, *z) = 1, (2, 3)", "assert z", "x, (y, *z) = (1, (2, 3))"),
        ("x: int = 3", "assert x", "x: int = 3"),
        ("x = 3\nx += 1", "assert x", "x = 3\nx += 1"),
        ("x = 3\nx = x + 1", "assert x", "x = 3\nx = x + 1"),
        ("b = 2\na = b\nc = [a, b]", "assert c", "b = 2\na = b\nc = [a, b]"),
        ("n = 8\nsizes = [n]\nn = 3", "assert sizes, n", "n = 8\nsizes = [n]\nn = 3"),
        ("n = 8\nsizes = [n]\nn = 3", "assert sizes", "n = 8\nsizes = [n]"),
        ("x = {'a': [1, -2.5, None, ...], **{'b': 2}}", "assert x", "x = {'a': [1, -2.5, None, ...], **{'b': 2}}"),
        ("x = [i for i in (1, 2)]", "assert x", "x = [i for i in (1, 2)]"),
        ("def f():\n    return 1", "assert f", "def f():\n    return 1"),
        ("def f():\n    return g()\nk = 1\ndef g():\n    return k", "f()", None),
        ("import numpy as np\ndef f(x=np.pi):\n    return x", "f()", None),
        ("def f(n):\n    return f(n - 1)", "f(1)", None),
        ("def even(n):\n    return odd(n)\ndef odd(n):\n    return even(n)", "odd(1)", None),
        ("class A:\n    pass\nclass B(A):\n    pass", "B()", None),
        ("import functools\n@functools.cache\ndef f():\n    pass", "f()", None),
        ("count = 0\ndef f():\n    global count\n    count += 1", "f()", None),
        ("def f():\n    return 1\nfs = {'f': f}", "fs", "def f():\n    return 1\nfs = {'f': f}"),
        ("import math\ndef f():\n    return math.pi\nf2 = f", "f2", None),
    ],
)
def test_prelude(setup: str, test: str, expected: str | None) -> None:
    found = plan(setup, test)
    assert same(found.prelude, setup if expected is None else expected)
    assert found.answers == ()


def test_prelude_holds_only_what_the_test_needs() -> None:
    setup = "import math, os\nimport numpy as np\nx = 1\ny = x\ndef f(): return y\ndef unused(): return np"
    assert prelude(setup, "assert f() == 1") == ["x = 1", "y = x", "def f():", "    return y"]
    assert prelude(setup, "assert True") == []


def test_prelude_stands_in_the_notebooks_order() -> None:
    assert prelude("from __future__ import annotations", "z = 1", "a = z", "b = 2", "assert b, a") == [
        "z = 1",
        "a = z",
        "b = 2",
    ]


def test_prelude_is_taken_from_cells_before_the_test_alone() -> None:
    first, second = every(locked("x = 1"), check("x"), locked("x = 2\ny = 3"), check("x, y", grade_id="b"))
    assert (first.prelude, second.prelude) == ("x = 1", "x = 2\ny = 3")
    first, second = every(check("y"), locked("y = 3"), check("y", grade_id="b"))
    assert (first.answers, second.answers) == (("y",), ())


@pytest.mark.parametrize(
    "setup",
    [
        "x = f()",
        "x = [f() for i in (1, 2)]",
        "x = (y := 3)",
        "x = lambda: f()",
        "x = unknown",
        "for x in (1, 2):\n    pass",
        "if True:\n    x = 1",
        "with open('f') as x:\n    pass",
        "x = %magic",
        "x = !ls",
        "x = 1\nx += f()",
        "x = 1\nx = f(x)",
    ],
)
def test_what_is_called_or_flows_is_no_prelude(setup: str) -> None:
    found = plan("def f():\n    return 1", setup, "assert x == 1")
    assert (found.prelude, found.answers) == ("", ("x",))


@pytest.mark.parametrize("other", [answer("x = ..."), free("x = 2"), answer("x: int = 2"), free("for x in (1,): pass")])
def test_what_a_student_may_rebind_is_an_answer(other: NotebookNode) -> None:
    assert answers("x = 1", other, "assert x") == ["x"]
    assert answers(other, "x = 1", "assert x") == []


@pytest.mark.parametrize("other", [answer("x = ..."), free("x = 2")])
def test_what_is_made_from_an_answer_is_one(other: NotebookNode) -> None:
    found = plan("z = 1", other, "y = x + z", "assert y")
    assert (found.prelude, found.answers) == ("", ("y",))


def test_a_constant_keeps_the_value_that_it_was_made_from() -> None:
    found = plan("x = 1\ny = x", answer("x = ..."), "assert x == y")
    assert found.prelude.splitlines() == ["x = 1", "y = x"]
    assert found.answers == ("x",)


def test_a_locked_function_brings_what_it_reads_of_the_student() -> None:
    setup = "import numpy as np\nlimit = 3\ndef close():\n    return np.abs(q1 - limit) < tolerance"
    found = plan(setup, answer("q1 = ..."), "tolerance = 1\nassert close()")
    assert found.answers == ("q1",)
    assert same(found.prelude, setup)


def test_a_locked_function_sees_the_students_value_and_not_the_old_one() -> None:
    found = plan("x = 1\ny = x\ndef f():\n    return x", answer("x = ..."), "assert f() == y")
    assert found.answers == ("x",)


def test_imports_count_wherever_the_course_wrote_them() -> None:
    assert prelude(free("import numpy as np\nunits = 3"), "assert np") == ["import numpy as np"]
    assert answers(free("import numpy as np\nunits = 3"), "assert np.ones(units)") == ["units"]
    assert answers(answer("import numpy as np"), "assert np") == ["np"]


def test_an_earlier_test_gives_imports_and_functions() -> None:
    first = check("import math\ndef near(a):\n    return abs(a - q1) < math.inf\nn = 3\nassert near(n)")
    first_plan, second = every(answer("q1 = ..."), first, check("assert near(n) and math.pi", grade_id="b"))
    assert same(second.prelude, "import math\ndef near(a):\n    return abs(a - q1) < math.inf")
    assert second.answers == ("q1",), "n is what the first test bound, and is kept in the judge"
    assert (first_plan.keep, second.keep) == (True, True)


@pytest.mark.parametrize(
    "magic",
    [
        "%matplotlib inline",
        "!pip list",
        "np.mean?",
        "np.mean??",
        "?np",
        "x = !ls",
        "x = %pwd",
        "if True:\n    %time f()",
    ],
)
def test_a_magic_hides_nothing_of_its_cell(magic: str) -> None:
    assert prelude(f"import numpy as np\n{magic}\nunits = 3", "np.ones(units)") == ["import numpy as np", "units = 3"]


def test_a_text_that_looks_like_a_magic_is_none() -> None:
    assert prelude("text = '''\n%d of %d\n!'''", "assert text % (1, 2)") == ["text = '\\n%d of %d\\n!'"]


@pytest.mark.parametrize(("magic", "runs"), [("%%time", True), ("%%capture out", True), ("%%writefile f.py", False)])
def test_a_cell_magic_says_whether_its_cell_runs_here(magic: str, runs: bool) -> None:
    assert prelude(f"{magic}\nx = 3", "assert x") == (["x = 3"] if runs else [])


def test_a_cell_that_is_no_python_binds_nothing() -> None:
    assert answers("%%bash\nx=$(ls)", "x = = 1", "assert x") == ["x"]


# --- declared evidence --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("got = f(1)  # evidence", "f(1)"),
        ("got = f(1) # evidence  ", "f(1)"),
        ("got = f(1)  #evidence", "f(1)"),
        ("got = f(1)  #  evidence", "f(1)"),
        ("got = [f(x) for x in xs]  # evidence", "[f(x) for x in xs]"),
        ("got = [\n    f(x)\n    for x in xs\n]  # evidence", "[f(x) for x in xs]"),
        ("got = [  # evidence\n    f(x)\n    for x in xs\n]", "[f(x) for x in xs]"),
        ("got = f(\n    1,  # evidence\n)", "f(1)"),
        ("got = f('# evidence')  # evidence", "f('# evidence')"),
        ("got = f('''\n# evidence\n''')  # evidence", "f('\\n# evidence\\n')"),
        ("### BEGIN HIDDEN TESTS\ngot = f(1)  # evidence\n### END HIDDEN TESTS", "f(1)"),
        ("got = (lambda y: f(y))(1)  # evidence", "(lambda y: f(y))(1)"),
    ],
)
def test_declared_evidence(line: str, expected: str) -> None:
    found = plan("def f(x): ...", f"{line}\nassert got == 1")
    assert found.evidence == (("got", expected),)
    assert (found.answers, found.prelude, found.test.strip()) == ((), "", "assert got == 1")


@pytest.mark.parametrize(
    "line",
    [
        "got = f('# evidence')",
        "got = f('''# evidence\n# evidence''')",
        "got = f(1)  # the evidence",
        "got = f(1)  # Evidence",
        "got = f(1)  # evidence: yes",
        "got = f(1)  ## evidence",
    ],
)
def test_undeclared_evidence(line: str) -> None:
    found = plan(answer("raise NotImplementedError()"), f"{line}\nassert got == 1")
    assert (found.evidence, found.answers) == ((), ("f",))


def test_evidence_keeps_its_order_and_each_on_one_line_counts() -> None:
    found = plan("a = 1; b = f(a)  # evidence\nc = f(b)  # evidence\nassert (a, b, c) == x")
    assert found.evidence == (("a", "1"), ("b", "f(a)"), ("c", "f(b)"))
    assert (found.answers, found.test.strip()) == (("x",), "assert (a, b, c) == x")


def test_evidence_may_stand_where_an_answer_did() -> None:
    found = plan(answer("q1 = ..."), "q1 = list(q1)  # evidence\nassert q1 == [1]")
    assert (found.evidence, found.answers) == ((("q1", "list(q1)"),), ())


ONE_NAME = "a line marked # evidence must assign one name, outside any block"


@pytest.mark.parametrize(
    ("test", "line", "said"),
    [
        ("f(1)  # evidence", 1, ONE_NAME),
        ("x = 1\nassert f(1)  # evidence", 2, ONE_NAME),
        ("a, b = f(1)  # evidence", 1, ONE_NAME),
        ("a = b = f(1)  # evidence", 1, ONE_NAME),
        ("a.b = f(1)  # evidence", 1, ONE_NAME),
        ("a[0] = f(1)  # evidence", 1, ONE_NAME),
        ("a: int = f(1)  # evidence", 1, ONE_NAME),
        ("a += f(1)  # evidence", 1, ONE_NAME),
        ("import a  # evidence", 1, ONE_NAME),
        ("if x:\n    got = f(1)  # evidence", 2, ONE_NAME),
        ("for x in y:\n    got = f(1)  # evidence\n    print(got)", 2, ONE_NAME),
        ("def g():  # evidence\n    pass", 1, ONE_NAME),
        ("x = 1\n# evidence\ngot = f(1)", 2, ONE_NAME),
        (
            "got = f(1)  # evidence\nassert got\ngot = f(2)  # evidence",
            3,
            "got is marked # evidence twice; use two different names",
        ),
        ("x = = 1", 1, "invalid syntax"),
        ("\n%matplotlib inline\nx = = 1", 3, "invalid syntax"),
    ],
)
def test_a_test_that_cannot_be_planned(test: str, line: int, said: str) -> None:
    (fault,) = plan(test).faults
    assert fault.of("q-test") == f"q-test, line {line}: {said}; fix the test"


def test_a_magic_is_no_hindrance() -> None:
    found = plan(answer("x = ..."), "%%time\ngot = f(x)  # evidence\nassert got == x")
    assert (found.faults, found.evidence, found.answers) == ((), (("got", "f(x)"),), ("x",))
    assert same(found.test, "assert got == x")


def test_a_test_that_does_nothing_has_no_plan() -> None:
    (fault,) = plan("# add a test here").faults
    assert fault.of("q-test") == "q-test: the test has no statement, so nobody can pass it; add an assert"


# --- which cells are tests ----------------------------------------------------------------------------------------


def test_each_test_cell_has_a_plan_in_order() -> None:
    found = every(
        new_markdown_cell("x = 1", metadata={"nbgrader": {"grade": True, "solution": True, "grade_id": "why"}}),
        check("a", grade_id="one", points=0.5),
        cell("b = 2", grade_id="read-by-hand", grade=True, solution=True, points=3),
        check("b", grade_id="two", locked=False),
    )
    assert [(p.cell, p.points, p.answers) for p in found] == [("one", 0.5, ("a",)), ("two", 2.0, ("b",))]


def test_nbgraders_own_example() -> None:
    """From the course that nbgrader's documentation teaches with."""
    test = '''"""Check that sum_of_squares relies on squares."""
orig_squares = squares
del squares
try:
    sum_of_squares(1)
except NameError:
    pass
else:
    raise AssertionError("sum_of_squares does not use squares")
finally:
    squares = orig_squares'''
    assert answers(test) == ["squares", "sum_of_squares"]


def test_a_tests_own_answers_are_those_asked_for_since_the_test_before() -> None:
    def tested(source: str, name: str) -> NotebookNode:
        return cell(source, grade_id=name, grade=True, locked=True, points=1)

    cells = [locked("output = make()"), answer("a = ...\nb = ..."), tested("assert a == b == output", "t1")]
    cells += [answer("c = ..."), tested("assert a == c", "t2"), tested("assert c", "t3")]
    found = plans(new_notebook(cells=cells))
    assert [plan.own for plan in found] == [("a", "b"), ("c",), ()]


# --- what the student's kernel gets from a test -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setup", "rebinds"),
    [
        (answer("x = 0"), ("x",)),
        (answer("def f():\n    return x"), ("x",)),
        (free("def f():\n    return x"), ("x",)),
        (answer("f = lambda: x"), ("x",)),
        (answer("y = x"), ("x",)),
        (free("x = 0\ny = x"), ()),
        (answer("def f(x):\n    return x"), ()),
        (check("assert x"), ()),
        (answer("def f():\n    return sum"), ()),
    ],
)
def test_the_kernel_gets_the_names_that_the_notebook_needs(setup: NotebookNode, rebinds: tuple[str, ...]) -> None:
    assert plan(setup, "x = 1\nexpected = 2\nassert x < expected").rebinds == rebinds


def test_the_solution_says_which_names_the_notebook_needs() -> None:
    stub = new_notebook(cells=[answer("raise NotImplementedError()"), check("x = 1\nassert f(x)")])
    assert [one.rebinds for one in plans(stub, read=["x", "y"])] == [("x",)]


def test_visible_imports_run_before_the_test_unless_it_needs_the_name_as_an_answer() -> None:
    source = "import numpy as np\nassert sqrt(4) == 2\nfrom math import sqrt, pi\ndef helper():\n    return np"
    made = with_visible(plan(source), source)
    assert made.visible == (
        "import numpy as np",
        "from math import sqrt, pi",
        "def helper():\n    return np",
    )
    assert made.imports == (("import numpy as np", ("np",)),)
