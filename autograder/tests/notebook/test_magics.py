"""What of IPython's own syntax a test may have, what becomes of it, and which sentence refuses the rest."""

import ast

import pytest

from autograder.notebook.magics import python_of_test

SHELL = "write it in Python, or run it in a locked cell before the test"
IDLE = "the test has no statement, so nobody can pass it; add an assert"


def lines(source: str) -> list[tuple[int, str]]:
    """The statements of a test, each with its line in the notebook."""
    code = python_of_test(source)
    assert not isinstance(code, list), [str(fault) for fault in code]
    return [(node.lineno, ast.unparse(node)) for node in code[1].body]


def refused(source: str) -> list[str]:
    code = python_of_test(source)
    assert isinstance(code, list)
    return [str(fault) for fault in code]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("assert x == 5", [(1, "assert x == 5")]),
        ("%time y = x\nassert y", [(1, "y = x"), (2, "assert y")]),
        ("y = %time f(3)\nassert y", [(1, "y = f(3)"), (2, "assert y")]),
        ("%timeit -n1 -r 1 f(x)\nassert x", [(1, "if True:\n    f(x)"), (2, "assert x")]),
        ("if x:\n    %time y = 3\nassert y", [(1, "if x:\n    y = 3"), (3, "assert y")]),
        ("%%time\nassert x == 5", [(2, "assert x == 5")]),
        ("\n%%time\n\nassert x", [(4, "assert x")]),
        ("%%capture\nassert x", [(2, "assert x")]),
        ("%%capture --no-stderr\nassert x", [(2, "assert x")]),
        ("%%timeit -n1 y = 3\nassert y", [(1, "y = 3"), (2, "assert y"), (3, "None")]),
        ("\n\n%matplotlib inline\nassert x", [(3, "pass"), (4, "assert x")]),
        ("%load_ext autoreload\n%autoreload 2\nassert x", [(1, "pass"), (2, "pass"), (3, "assert x")]),
        ("%config a.b = 2\nassert x", [(1, "pass"), (2, "assert x")]),
        ("assert x\nx?\n??x", [(1, "assert x"), (2, "pass"), (3, "pass")]),
        ("%time \\\n  y = 3\nassert y", [(1, "y = 3"), (3, "assert y")]),
        ("  \n  %time y = 1\n  assert y", [(2, "y = 1"), (3, "assert y")]),
        ("assert '\\d'\n%time x", [(1, "assert '\\\\d'"), (2, "x")]),
        ("2", [(1, "2")]),
    ],
)
def test_magics_become_python_and_lines_keep_their_numbers(source: str, expected: list[tuple[int, str]]) -> None:
    assert lines(source) == expected


@pytest.mark.parametrize(
    ("source", "sentences"),
    [
        ("!ls\nassert x", [f"line 1: `!ls` runs a shell command, which a test cannot do; {SHELL}"]),
        ("assert x\nf = !ls -l", [f"line 2: `!ls` runs a shell command, which a test cannot do; {SHELL}"]),
        ("!!ls", [f"line 1: `!ls` runs a shell command, which a test cannot do; {SHELL}"]),
        ("%%bash\nls", [f"line 1: `%%bash` runs a shell command, which a test cannot do; {SHELL}"]),
        (
            "%%writefile a.py\nx = 1",
            [
                "line 1: `%%writefile` works only in a notebook, not in a test; write the file in a locked cell"
                " before the test"
            ],
        ),
        ("%cd ..\nassert x", ["line 1: `%cd` works only in a notebook, not in a test; use the file's path"]),
        (
            "%run a.py",
            ["line 1: `%run` works only in a notebook, not in a test; import what the test needs from a module"],
        ),
        (
            "%env A=1\nassert x",
            [
                "line 1: `%env` works only in a notebook, not in a test; set `os.environ` in a locked cell before the"
                " test"
            ],
        ),
        (
            "%%capture out\nassert x",
            ["line 1: `%%capture` works only in a notebook, not in a test; write it in Python"],
        ),
        ("t = %timeit -o x", ["line 1: `%timeit` works only in a notebook, not in a test; write it in Python"]),
        ("assert x ==", ["line 1: invalid syntax; fix the test"]),
        ("%time \\\n  y = 3\nassert (", ["line 3: '(' was never closed; fix the test"]),
        ("assert x\n%timeit x = (", ["line 2: '(' was never closed; fix the test"]),
    ],
)
def test_what_a_test_cannot_have_is_named(source: str, sentences: list[str]) -> None:
    assert refused(source) == sentences


def test_all_faults_of_a_test_are_listed() -> None:
    assert [sentence.split(" ", 3)[:3] for sentence in refused("!ls\n%cd ..\n%run a.py")] == [
        ["line", "1:", "`!ls`"],
        ["line", "2:", "`%cd`"],
        ["line", "3:", "`%run`"],
    ]


@pytest.mark.parametrize(
    "source",
    ["", "\n \n", "# only a comment", "pass", "'''doc'''", "...", "%%time", "%matplotlib inline", "%%html\n<b>"],
)
def test_a_test_without_a_statement_is_named(source: str) -> None:
    assert refused(source) == [IDLE]
