"""Answers that would make an ordinary test pass without being right: none earns its mark."""

from pathlib import Path

import pytest

from autograder.model import Outcome
from autograder.tests.harness.tiny_course import grade_answers, make_cell, make_course, make_question

BOARD = (
    "class Board:\n    def __init__(self, x=()):\n        self.x = list(x)\n"
    "    def is_solved(self):\n        return self.x == [1, 2]"
)
UNITTEST = (
    "import io, unittest\nclass T(unittest.TestCase):\n    def test_f(self):\n        self.assertEqual(f(1), 2)\n"
    "r = unittest.TextTestRunner(stream=io.StringIO()).run(unittest.defaultTestLoader.loadTestsFromTestCase(T))\n"
    "assert r.wasSuccessful()"
)
PICKLE = "import pickle\nwith open('m.pkl', 'wb') as f:\n    pickle.dump({}, f)"
FORGED = (
    "import pickle\nclass E:\n    def __reduce__(self):\n        return dict, ([('w', 1)],)\n"
    "with open('m.pkl', 'wb') as f:\n    pickle.dump(E(), f)"
)
CASES = {  # the solution, its test, a wrong answer, and what is said of it
    "an exception that ends a loop": (
        "def even(n):\n    return n % 2 == 0",
        "assert all(map(even, [2, 4]))\nassert not any(map(even, [1, 3]))",
        "def even(n):\n    raise StopIteration",
        "RuntimeError: the answer raised StopIteration",
    ),
    "an exception that skips a test": (
        "def f(x):\n    return x + 1",
        UNITTEST,
        "import unittest\ndef f(x):\n    raise unittest.SkipTest('')",
        "` failed",
    ),
    "a test that only runs as a program": (
        "def f(x):\n    return 2 * x",
        "if __name__ == '__main__':\n    assert f(2) == 4",
        "def f(x):\n    return -1",
        "` failed",
    ),
    "a method of a locked class is replaced": (
        "def solve():\n    return Board([1, 2])",
        "assert solve().is_solved()",
        "def solve():\n    b = Board()\n    b.is_solved = lambda: True\n    return b",
        "your answer replaces is_solved of the class Board.",
    ),
    "an object of a locked class gets another class": (
        "def solve():\n    return Board([1, 2])",
        "assert solve().is_solved()",
        "class F(Board):\n    def is_solved(self):\n        return True\ndef solve():\n    return F()",
        "where plain data is needed",
    ),
    "a test double is told what happened": (
        "def notify(m):\n    m.send(3)",
        "from unittest.mock import Mock\nm = Mock()\nnotify(m)\nm.send.assert_called_once_with(3)",
        "def notify(m):\n    m.send.assert_called_once_with = m.other",
        "has no attribute",
    ),
    "a file of the course is written over": (
        "m = sum(map(int, open('data.txt').read().split()))",
        "assert m == sum(map(int, open('data.txt').read().split()))",
        "open('data.txt', 'w').write('0')\nm = 0",
        "` failed",
    ),
    "a list that the call was not given is changed": (
        "def rising(a):\n    return a == sorted(a)\ndef bubble(a):\n    a.sort()",
        "a = [3, 1]\nexpected = sorted(a)\nassert rising(expected)\nassert not rising(a)\n"
        "bubble(a)\nassert a == expected",
        "seen = []\ndef rising(a):\n    seen.append(a)\n    return a == sorted(a)\n"
        "def bubble(a):\n    for one in [*seen, a]:\n        one.clear()",
        "` failed",
    ),
    "a pickle": (
        PICKLE,
        "import pickle\nwith open('m.pkl', 'rb') as f:\n    assert pickle.load(f) is not None",
        FORGED,
        "a test cannot load objects from a pickle",
    ),
}
MODULE = "import os, sys\nsys.path.insert(0, os.getcwd())\nimport mine\nassert mine.x == 1"


@pytest.mark.kernel
@pytest.mark.parametrize("case", CASES)
def test_a_wrong_answer_earns_nothing(case: str, tmp_path: Path) -> None:
    solution, test, answer, sentence = CASES[case]
    course = make_course(tmp_path, [make_cell("setup", BOARD, locked=True), *make_question("q", solution, test)])
    (tmp_path / "source/ps1/data.txt").write_text("1 2", encoding="utf-8")
    assert grade_answers(course, {"q": solution})["q-test"].points == 2
    verdict = grade_answers(course, {"q": answer})["q-test"]
    assert (verdict.outcome, verdict.points) == (Outcome.FAILED, 0)
    assert sentence in verdict.rationale


@pytest.mark.kernel
def test_a_module_that_the_notebook_wrote_is_not_run_where_tests_are_judged(tmp_path: Path) -> None:
    course = make_course(tmp_path, make_question("q", "open('mine.py', 'w').write('x = 1')", MODULE))
    assert grade_answers(course, {"q": "open('mine.py', 'w').write('x = 1')"})["q-test"].outcome is Outcome.OPEN
