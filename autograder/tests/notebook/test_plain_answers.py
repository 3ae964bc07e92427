"""Which answers only compute, and so can run later than in their place."""

import pytest

from autograder.notebook.plain_answers import PlainAnswer, plain_answer


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("a = b = (1, ['x', {'y': ...}])\nc = -1.5", {"a", "b", "c"}),
        ("# only a comment", set()),
        ("a = 1 + 2j", {"a"}),
        ("a = 3 * 4", {"a"}),
        ("a = {1, None}", {"a"}),
        ("a: int = 1", None),
        ("a, b = 1, 2", None),
        ("a.b = 1", None),
        ("a = b[0] = 1", None),
        ("a += 1", None),
        ("a = f'{1}'", None),
        ("a = 2 ** 9", None),
        ("a = [x for x in (1, 2)]", None),
        ("a = {**{}}", None),
        ("a = (b := 1)", None),
        ("a = lambda: 1", None),
        ("print(1)", None),
        ("%time a = 1", None),
        ("a = " + "-" * 5000 + "1", None),
        ("a = '" + "x" * 20_000 + "'", None),
    ],
)
def test_what_only_assigns_literals(source: str, names: set[str] | None) -> None:
    assert plain_answer(source) == (None if names is None else PlainAnswer(frozenset(names)))


@pytest.mark.parametrize(
    ("source", "reads", "calls"),
    [
        ("q = output.shape", {"output"}, set()),
        ("q = {'h': h.shape, 'size': n * 4 - m[-1]}", {"h", "n", "m"}, set()),
        ("q = list(sizes)[:3]", {"sizes"}, {"list"}),
        ("a = x\nq = a[i:j:2]", {"x", "i", "j"}, set()),
        ("q = q", {"q"}, set()),
        ("q = len", {"len"}, set()),
        ("q = len(sorted([n, 1]))", {"n"}, {"len", "sorted"}),
    ],
)
def test_what_an_answer_reads_and_calls(source: str, reads: set[str], calls: set[str]) -> None:
    answer = plain_answer(source)
    assert answer is not None
    assert (set(answer.reads), set(answer.calls)) == (reads, calls)
    assert not answer.is_literal


@pytest.mark.parametrize(
    "source",
    [
        "q = model.predict",
        "q = f(1)",
        "q = print(n)",
        "q = x.pop()",
        "q = sorted(n, key=f)",
        "q = max(*n)",
        "q = n.real",
    ],
)
def test_what_may_do_more_than_compute(source: str) -> None:
    assert plain_answer(source) is None
