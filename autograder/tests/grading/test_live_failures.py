"""What goes wrong while a test uses the notebook's objects costs that test alone, and says what happened."""

from pathlib import Path

import pytest

from autograder.course.course import Course
from autograder.tests.harness.tiny_course import grade_answers, make_course, make_question
from autograder.tests.support import kernels

pytestmark = pytest.mark.xdist_group("live")  # so that one process makes what all of its tests share
ANSWERS = {
    "f": "def f(x):\n    return x + 1",
    "g": "def g(x):\n    return 2 * x",
    "data": "data = [1, 2]",
    "apply": "def apply(h, x):\n    return h(x)",
}
TESTS = {
    "f": "assert f(1) == 2\nassert f(5) == 6",
    "g": "assert g(2) == 4",
    "data": "assert data == [1, 2]",
    "apply": "def picky(x):\n    if x < 0:\n        raise ValueError('less than 0')\n    return x\n"
    "assert apply(picky, 2) == 2\nassert apply(abs, -2) == 2",
}
SOCKET = "get_ipython().kernel.stdin_socket"
RAW_INPUT = "get_ipython().kernel.raw_input"
UNREADABLE = "the answer for f-test could not be read, because the notebook changes how cells run."
CASES = {  # a broken answer, and how its test ends
    "the kernel dies": (
        {"f": "import os\ndef f(x):\n    os._exit(0)"},
        ("no evidence", "the kernel died in cell f-test."),
    ),
    "a function never returns": (
        {"f": "def f(x):\n    while True:\n        pass"},
        ("no evidence", "cell f-test ran longer than 3 s and was stopped."),
    ),
    "a function exits": (
        {"f": "def f(x):\n    raise SystemExit(0)"},
        ("failed", "the test cannot use this answer (SystemExit: 0)."),
    ),
    "an answer is too large": (
        {"f": "def f(x):\n    return 'a' * (1 << 28)"},
        ("no evidence", "more than 45 MiB of JSON is too much; answer with less, for example output.shape."),
    ),
    "a function asks for input": (
        {"f": "def f(x):\n    return input()"},
        ("failed", "the test cannot use this answer (EOFError: this test gives no input)."),
    ),
    "the kernel answers rubbish": (
        {"f": f"def f(x):\n    {RAW_INPUT}('rubbish')\n    return 2"},
        ("no evidence", "the notebook sent something that is not an answer (not JSON)."),
    ),
    "the cell that serves is replaced": (
        {
            "f": f"own = {SOCKET}\n{SOCKET} = None\ndef f(x):\n    return x + 1",
            "g": f"{SOCKET} = own",
        },
        ("no evidence", UNREADABLE),
    ),
    "a function of the test raises": (
        {"apply": "def apply(h, x):\n    return h(-1)"},
        ("failed", "the test cannot use this answer (ValueError: less than 0)."),
    ),
    "a function of the test is called for ever": (
        {"apply": "def apply(h, x):\n    while True:\n        h(x)"},
        ("no evidence", ""),
    ),
}


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    cells = [cell for name, answer in ANSWERS.items() for cell in make_question(name, answer, TESTS[name])]
    return make_course(tmp_path_factory.mktemp("live"), cells, "c.Limits.cell_seconds = 3")


@pytest.mark.kernel
@pytest.mark.parametrize("case", CASES)
def test_one_test_fails_with_its_sentence_and_the_others_are_judged(case: str, course: Course) -> None:
    answers, (outcome, sentence) = CASES[case]
    broken = f"{next(iter(answers))}-test"
    verdicts = grade_answers(course, ANSWERS | answers)
    assert (verdicts[broken].outcome, verdicts[broken].points) == (outcome, 0)
    assert sentence in verdicts[broken].rationale
    others = {cell: verdict.points for cell, verdict in verdicts.items() if cell != broken}
    spoilt = {"g-test"} if "g" in answers else set()  # this answer is what restores the channel
    assert {cell for cell, points in others.items() if points != 2} == spoilt
    assert not kernels(), "no kernel is left"


@pytest.mark.kernel
def test_names_bound_anew_are_read_again_and_strange_messages_are_passed_over(tmp_path: Path) -> None:
    step = "n = 0\ndef step():\n    global n\n    n += 1"
    noise = (
        f"def noise(x):\n    one = {SOCKET}\n    for rest in ([], [b''] * 5, [b'x', b'[]', b'{{}}', b'{{}}', b'1']):\n"
    )
    noise += "        one.send_multipart([own, b'<IDS|MSG>', *rest])\n    return x"
    own = "own = get_ipython().kernel.get_parent()['header']['session'].encode()\n"
    answers = {"step": step, "noise": own + noise}
    tests = {
        "step": "step()\nassert n == 1\nstep()\nassert n == 2",
        "noise": "assert noise(1) == 1\nassert noise(2) == 2",
    }
    cells = [cell for name in answers for cell in make_question(name, answers[name], tests[name])]
    verdicts = grade_answers(make_course(tmp_path, cells), answers)
    assert {cell: verdict.outcome for cell, verdict in verdicts.items()} == {
        "step-test": "passed",
        "noise-test": "passed",
    }
