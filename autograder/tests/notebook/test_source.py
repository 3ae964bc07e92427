"""Answered or not, and code that is made to break a parser."""

import gc
import threading
from pathlib import Path

import pytest
from nbgrader.utils import is_solution

import autograder
from autograder.notebook.source import answered, assigned, bindings, parse
from autograder.tests.harness.handed_in import UNANSWERED, mend, of, solved, sources

STUBS = {cell.id: cell.source for nb in UNANSWERED.values() for cell in nb.cells if is_solution(cell)}


@pytest.mark.parametrize(
    ("name", "source", "verdict"),
    [
        ("q1", STUBS["q1"], False),
        ("q1", "", False),
        ("q1", "q1 =   ...\n\n", False),
        ("q1", "print(data)", False),
        ("q1", "q1 = ('batch',)", True),
        ("q1", "q1 = ('batch',", True),
        ("q1", "%matplotlib inline\nq1 = ...", False),
        ("q1", "%matplotlib inline\nq1: tuple = ('batch',)", True),
        ("q3", "q3 = {'output': ..., 'h': ..., 'c': ...}", False),
        ("q3", "q3 = {'output': (1, 3), 'h': ..., 'c': ...}", True),
        ("q3", STUBS["q3"] + "\nq3['h'] = (1, 3)", True),
        ("q3", STUBS["q3"] + "\nq3['a']['b'].c = 1", True),
        ("q3", STUBS["q3"] + "\nq3.update(h=(1, 3))", True),
        ("q3", STUBS["q3"] + "\noutput[q3] = 1", False),
        ("q3", "def f():\n    q3 = 1", False),
        ("q5", STUBS["q5"].replace("q5 = ...", "q5 = 'x'"), True),
        ("q5", "model5, output5, q5 = ..., [..., ...], (...)", False),
        ("q5", "for q5 in 'x': pass", True),
        ("q2-why", STUBS["q2-why"], False),
        ("q2-why", STUBS["q2-why"].split("\n")[0], False),
        ("q2-why", STUBS["q2-why"] + "\n\nIt sums up.", True),
        ("q2-why", "h", True),
    ],
)
def test_answered(name: str, source: str, verdict: bool) -> None:
    assert answered(source, STUBS[name], code=not name.endswith("why")) is verdict


def test_a_stub_without_ellipsis() -> None:
    stub = "def f(x):\n    raise NotImplementedError()"
    assert not answered(stub + "  # mine", stub)
    assert answered("def f(x):\n    return x", stub)
    assert answered("x", "not python(")


def test_bindings() -> None:
    source = (
        "import a.b, c as d\nfrom e import f\nclass G:\n    h = 1\nwith i as j: k: int\n[l for l in m]\nn[0] = o.p = q"
    )
    assert bindings(source) == {name: name != "k" for name in "adfGjkno"}
    assert bindings("a b") is None


@pytest.mark.parametrize(
    "source",
    ["(" * 10_000, "-" * 100_000 + "1", "-" * 5_000 + "1", "+".join("1" * 9_000), "q1 = " + "[" * 90 + "]" * 90]
    + [
        "q1" + ".a" * 9_000,
        "q1 = " + "(..., " * 150 + "..." + ",)" * 150,
        '"\\d"',
        "1 is 1",
        "0x1for x in q1",
        "q1 = \0",
    ]
    + [
        "a = b = " * 4_000 + "1",
        "if 1:\n" + "".join(" " * n + "if 1:\n" for n in range(1, 200)),
        "q1 = " + "9" * 5_000,
    ],
)
def test_code_made_to_break_a_parser(source: str) -> None:
    answered(source, STUBS["q1"])
    nb = solved(q1=source.replace("\0", " "))
    of(nb, "q4-test").source = source.replace("\0", " ")
    assert sources(mend(nb))["q1"] == source.replace("\0", " ")


@pytest.mark.parametrize(
    ("source", "guess"),
    [
        ("guess = 3  # a number", "3"),
        ("guess: int = 3", "3"),
        ("guess = 1\nother = 2\nguess = (3, [2])", "(3, [2])"),
        ("%time x\nguess = '3'", "'3'"),
        ("guess = ...", ""),
        ("guess = {'a': 1, 'b': ...}", ""),
        ("guess: int", ""),
        ("guess = 3 (", ""),
        ("other = guess = 4", "4"),
        ("x.guess = 4", ""),
        ("", ""),
    ],
)
def test_what_was_guessed(source: str, guess: str) -> None:
    assert assigned(source, "guess") == guess


@pytest.mark.parametrize(
    ("source", "bound"),
    [
        ("files = !ls", {"files": True}),
        ("files = %pwd\nq1 = ...", {"files": True, "q1": False}),
        ("%matplotlib inline\nq1 = 3", {"q1": True}),
        ("!pip install keras\nq1 = 3", {"q1": True}),
        ("q1?\nq1 = 3", {"q1": True}),
        ("?q1\nq1 = 3", {"q1": True}),
        ("q1 = 3\nif q1:\n    %time q1\n    h = 4", {"q1": True, "h": True}),
        ("%%time\nq1 = 3", {"q1": True}),
        ("%%capture out\n%time q2\nq1 = 3", {"q1": True}),
        ("%%time\n%%capture\nq1 = 3", {"q1": True}),
        ("%%time\nq1 = (", None),
        ("%%bash\nq1=3", {}),
        ("%%writefile made.py\nq1 = 3", {}),
        ("    q1 = 3\n    h = 4", {"q1": True, "h": True}),
        (">>> q1 = 3", {"q1": True}),
        ("q1 = '''\n%d\n!'''", {"q1": True}),
        ("what is this?", {}),
        ("not python (", None),
    ],
)
def test_a_cell_binds_what_ipython_would_bind(source: str, bound: dict[str, bool] | None) -> None:
    assert bindings(source) == bound


@pytest.mark.parametrize("line", ["files = !ls", "%time f()", "f?"])
def test_a_line_of_ipythons_own_does_not_answer_a_stub(line: str) -> None:
    assert not answered(f"{line}\nq1 = ...", "q1 = ...")
    assert answered("q1 = !ls", "q1 = ...")


@pytest.mark.timeout(20)
def test_a_cell_full_of_ipythons_own_lines_takes_no_time() -> None:
    assert bindings("!a\n" * 3_000) is None
    assert bindings("!a\n" * 20 + "q1 = 3") == {"q1": True}


LONG = "\n".join(f"x{i} = [{i}, (a{i} + b{i}) * c{i}]" for i in range(2000))


def test_a_tree_is_parsed_whole_whatever_another_thread_does_meanwhile() -> None:
    other = threading.Thread(target=parse, args=("x = (1 + 2) * 3",))

    def collected(phase: str, info: dict[str, int]) -> None:
        if other.ident is None:
            other.start()
            other.join(0.1)

    gc.callbacks.append(collected)
    try:
        assert len(parse(LONG).body) == 2000
    finally:
        gc.callbacks.remove(collected)
    assert other.ident is not None
    other.join()


def test_one_place_parses_for_all_threads_of_the_grading_process() -> None:
    """`ast.parse` in two threads at once can fail; only the judge's own process, which has one thread, calls it."""
    package = Path(autograder.__file__).parent
    apart = ("tests", "docs", "bench", "rnn")
    judge = {f"judging/{name}.py" for name in ("compiled", "live/namespace", "checks")}
    files = [path for path in package.rglob("*.py") if path.relative_to(package).parts[0] not in apart]
    calls = {path.relative_to(package).as_posix() for path in files if "ast.parse(" in path.read_text(encoding="utf-8")}
    assert calls == judge | {"text.py"}
