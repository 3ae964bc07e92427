"""The judge: verdicts on plain data, bounds on time and memory, and what is whose fault."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograder.evidence.encoder import encode, encode_all
from autograder.judging.compiled import compiled_test
from autograder.judging.judge import Judge, JudgeLimits, _Worker
from autograder.judging.worker import COMPILE
from autograder.model import NoEvidence, Outcome, Reason, TestPlan, Verdict

PLAN = TestPlan("x-test", 2.0, ("x",), (), "", "assert x == 42, f'x is {x}'")


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    """A judge of little patience, with a helper module."""
    helpers = tmp_path_factory.mktemp("helpers")
    (helpers / "helper.py").write_text("def twice(x):\n    return 2 * x\n")
    with Judge(helpers, JudgeLimits(seconds=2, memory=1 << 30)) as judge:
        yield judge


def _judge(judge: Judge, test: str, prelude: str = "", **values: Any) -> Verdict:
    plan = replace(PLAN, test=test, prelude=prelude, answers=tuple(values))
    return judge.verdict(plan, encode_all(dict(values), tuple(values), {}))


def test_a_right_answer_passes(quick: Judge) -> None:
    assert _judge(quick, PLAN.test, x=42) == Verdict("x-test", Outcome.PASSED, 2.0)


def test_a_wrong_answer_fails_with_the_assertions_message(quick: Judge) -> None:
    failed = _judge(quick, PLAN.test, x=41)
    assert failed.check is not None
    assert replace(failed, check=None) == Verdict("x-test", Outcome.FAILED, 0.0, "x is 41", mistake="x is 41")
    assert _judge(quick, "assert x == 42", x=41).rationale == "`assert x == 42` failed: x is 41."


def test_the_courses_own_values_are_there_before_its_functions(quick: Judge) -> None:
    given = (("data", encode([1, 2])),)
    plan = replace(PLAN, test="assert x == data == f()", prelude="def f(value=data):\n    return value", givens=given)
    assert quick.verdict(plan, encode_all({"x": [1, 2]}, ["x"], {})).outcome == "passed"
    forged = encode_all({"x": [0], "data": [0]}, ["x", "data"], {})
    assert quick.verdict(plan, forged).outcome == "failed"


@pytest.mark.parametrize("x", [..., [...], {"a": ...}, (1, [2, {"b": ...}])])
def test_an_open_answer_is_not_attempted(x: Any, quick: Judge) -> None:
    assert _judge(quick, "assert True", x=x) == Verdict("x-test", Outcome.NOT_ATTEMPTED, 0.0, "not answered.")


def test_modules_of_tests_are_loaded_once_for_all_forks(tmp_path: Path) -> None:
    (tmp_path / "noisy.py").write_text("import os\nprint('loaded')\nos.write(1, b'loaded')\nhome = os.getpid()\n")
    with Judge(tmp_path) as judge:
        for test in (
            "import os\nimport noisy\nassert noisy.home == os.getppid()",
            "assert home == __import__('os').getppid()",
        ):
            assert _judge(judge, test, "from noisy import home", x=1).outcome == "passed"


def test_a_test_is_compiled_once_for_all_forks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[bytes] = []
    tell = _Worker._tell
    monkeypatch.setattr(_Worker, "_tell", lambda worker, line: lines.append(line) or tell(worker, line))  # type: ignore[func-returns-value]
    with Judge(tmp_path) as judge:
        for x in (42, 41, 42):
            assert _judge(judge, PLAN.test, x=x).outcome == ("passed" if x == 42 else "failed")
        worker = judge.idle[0]
        assert [line for line in lines if line.startswith(COMPILE)] == [
            COMPILE + one + b"\n" for one in worker.compiled
        ]
        assert not any(b"41" in one or b"evidence" in one for one in worker.compiled), "nothing of a student's"
        assert worker.process is not None
        os.kill(worker.process.pid, signal.SIGKILL)
        worker.process.wait()
        assert _judge(judge, PLAN.test, x=42).outcome == "passed"
    assert sum(line.startswith(COMPILE) for line in lines) == 2, "again in a new process"


@pytest.mark.parametrize("live", [False, True])
def test_a_compiled_test_is_the_same_whoever_asks(live: bool) -> None:
    assert compiled_test("x = 1\nx", {}, live) is compiled_test("x = 1\nx", {"lines": [1], "names": []}, live)
    assert compiled_test("x = 1\nx", {}, live) is not compiled_test("x = 1\nx", {}, not live)
    assert compiled_test("assert x", {"names": ["x"]}, live) is not compiled_test("assert x", {}, live), "x is hidden"
    assert compiled_test("x = 1", {}, live).last is None
    with pytest.raises(SyntaxError):
        compiled_test("x = ", {}, live)


def test_so_are_the_modules_that_a_package_loads_for_a_name(tmp_path: Path) -> None:
    package = tmp_path / "lazy"
    package.mkdir()
    load = (
        "def __getattr__(name):\n    if name != 'late':\n        raise AttributeError(name)\n"
        "    from lazy import _late\n    return _late.home\n"
    )
    (package / "__init__.py").write_text(load)
    (package / "_late.py").write_text("import os\nhome = os.getpid()\n")
    (package / "part.py").write_text("import os\nhome = os.getpid()\n")
    test = "import os\nassert late == part.home == os.getppid()"
    with Judge(tmp_path) as judge:
        assert _judge(judge, test, "from lazy import late, part", x=1).outcome == "passed"


@pytest.mark.parametrize(
    ("prelude", "said"), [("import nowhere", "No module named 'nowhere'"), ("1 +", "invalid syntax")]
)
def test_what_cannot_be_loaded_is_the_graders_error(prelude: str, said: str, quick: Judge) -> None:
    found = _judge(quick, "assert True", prelude, x=1)
    assert found.outcome == "grader error"
    assert said in found.rationale
    assert _judge(quick, PLAN.test, x=42).outcome == "passed"


def test_an_exception_on_a_students_data_is_a_failure(quick: Judge) -> None:
    said = _judge(quick, "assert x + 1 == 2", x="1")
    assert said.outcome == "failed"
    assert said.rationale == (
        'the test cannot use this answer (TypeError: can only concatenate str (not "int") to str).'
    )


@pytest.mark.parametrize(
    ("last", "points", "word"),
    [("2", 2, "passed"), ("1", 1, "failed"), ("0.5", 0.5, "failed"), ("7", 2, "passed"), ("-1", 0, "failed")]
    + [("np.float32(1)", 1, "failed"), ("None", 2, "passed"), ("'well done'", 2, "passed"), ("0", 0, "failed")],
)
def test_a_final_number_is_partial_credit_within_bounds(last: str, points: float, word: str, quick: Judge) -> None:
    said = _judge(quick, f"print('half way')\n{last}", "import numpy as np", x=1)
    assert (said.points, said.outcome) == (points, word)
    assert said.rationale == ("" if word == "passed" else "half way")


@pytest.mark.parametrize("last", ["True", "np.bool_(True)", "float('nan')", "float('inf')"])
def test_a_final_value_that_is_no_number_of_points_is_our_fault(last: str, quick: Judge) -> None:
    said = _judge(quick, last, "import numpy as np", x=1)
    assert (said.outcome, said.points) == ("grader error", None)
    assert said.rationale.startswith("the test's last value is ")


def test_a_broken_prelude_is_our_fault(quick: Judge) -> None:
    said = _judge(quick, "assert x", "import no_such_module", x=1)
    assert (said.outcome, said.points) == ("grader error", None)
    assert said.rationale == (
        "the test's imports and constants fail (ModuleNotFoundError: No module named 'no_such_module')."
    )


def test_the_prelude_comes_from_the_master(quick: Judge) -> None:
    assert _judge(quick, "assert twice(x) == 4", "from helper import twice", x=2).outcome == "passed"


def test_a_test_that_does_not_end_is_stopped(quick: Judge) -> None:
    said = _judge(quick, "while x: pass", x=1)
    assert said.outcome == "failed"
    assert said.rationale.startswith("the test could not finish on this answer")
    assert _judge(quick, PLAN.test, x=42).outcome == "passed", "the next one is judged as ever"


def test_a_test_that_sleeps_is_stopped(quick: Judge) -> None:
    said = _judge(quick, "select.select([], [], [], 60)", "import select", x=1)
    assert said.rationale == "the test could not finish on this answer within 2 s."


def test_a_test_that_takes_all_memory_fails(quick: Judge) -> None:
    said = _judge(quick, "np.ones(x)", "import numpy as np", x=1 << 40)
    assert said == Verdict("x-test", Outcome.FAILED, 0.0, "the test ran out of memory on this answer.")


def test_a_test_that_ends_its_process_fails(quick: Judge) -> None:
    said = _judge(quick, "os.kill(os.getpid(), 11)", "import os", x=1)
    assert said == Verdict("x-test", Outcome.FAILED, 0.0, "the test could not finish on this answer.")
    assert _judge(quick, "sys.exit(0)", "import sys", x=1).outcome == "failed"


@pytest.mark.parametrize("victim", ["getpid", "getppid"])
def test_a_killed_judge_is_asked_once_more(victim: str, quick: Judge, tmp_path: Path) -> None:
    once = f"if not os.path.exists({str(tmp_path)!r}):\n    assert x == 42\nelse:\n    os.rmdir({str(tmp_path)!r})\n"
    kill = f"    os.kill(os.{victim}(), 9)\n    select.select([], [], [], 60)"
    assert _judge(quick, once + kill, "import os, select", x=42) == Verdict("x-test", Outcome.PASSED, 2.0)
    said = _judge(quick, kill.replace("    ", ""), "import os, select", x=42)
    assert (said.outcome, said.points, said.is_of_lost_judge) == ("grader error", None, True)
    assert said.rationale.startswith("the judge process returned no verdict (")


def test_names_of_earlier_tests_die_with_their_judge(quick: Judge) -> None:
    """A test that needs them would fail without them, which is nobody's fault."""
    worker = _Worker(quick.helpers, quick.limits)
    worker.keeps = True
    said = worker.answer({}, frozenset())
    assert said["rationale"].endswith("(OSError: it was killed, and with it the names of earlier tests).")
    worker.drop()
    assert not worker.keeps


def test_a_judge_whose_process_died_starts_another(quick: Judge) -> None:
    assert _judge(quick, PLAN.test, x=42).outcome == "passed"
    process = quick.idle[-1].process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert _judge(quick, PLAN.test, x=42).outcome == "passed", "a new process takes over"


def test_a_judge_that_does_not_answer_is_our_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograder.judging.judge.GRACE", 0.0)
    with Judge(tmp_path, JudgeLimits(seconds=0.01)) as judge:
        said = _judge(judge, PLAN.test, x=42)
        assert (said.outcome, said.points) == ("grader error", None)
        assert said.rationale == "the judge process returned no verdict (OSError: no answer in time)."
        assert said.traceback.endswith("OSError: no answer in time\n")
        assert judge.idle[-1].process is None


def test_a_test_writes_no_files_and_says_nothing(
    quick: Judge, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    said = _judge(
        quick, f"print('noise', file=sys.stderr)\nopen({str(tmp_path / 'f')!r}, 'w').write('x')", "import sys", x=1
    )
    assert said.outcome == "failed"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("taken", "reason", "rationale"),
    [
        (NoEvidence(Reason.TIMEOUT, "the cell x ran longer than 5 s"), "timeout", "the cell x ran longer than 5 s."),
        ("{}", "damaged", "x: the answer could not be read (nothing was sent)"),
        ("[]", "damaged", "answers: the answer could not be read"),
        ('{"x": {"missing": []}}', "missing", "x: no such name"),
        ('{"x": {"raised": ["ValueError", "no", ""]}}', "raised", "x: ValueError: no"),
        ('{"x": {"refused": ["object", "Model"]}}', "not plain data", "x: a Model object"),
    ],
)
def test_no_evidence_is_never_a_pass(taken: str | NoEvidence, reason: str, rationale: str, quick: Judge) -> None:
    said = quick.verdict(replace(PLAN, test="pass"), taken)
    assert (said.outcome, said.points, said.reason) == ("no evidence", 0.0, reason)
    assert said.rationale.startswith(rationale)


def test_a_verdict_has_the_name_without_a_value_and_why_as_data(quick: Judge) -> None:
    def found(entry: str) -> tuple[str, tuple[str, ...], bool]:
        verdict = quick.verdict(PLAN, f'{{"x": {entry}}}')
        return verdict.subject, verdict.detail, verdict.is_unbound

    assert found('{"missing": []}') == ("x", (), True)
    assert found('{"raised": ["NameError", "no y", "y"]}') == ("x", ("NameError", "no y", "y"), False)
    assert found('{"refused": ["dtype", "<U1"]}') == ("x", ("dtype", "<U1"), False)
    assert found('{"value": null}') == ("x", ("an entry of unknown form",), False)


def test_evidence_that_was_not_asked_for_is_not_bound(quick: Judge) -> None:
    text = encode_all({"x": 1, "twice": 3}, ("x", "twice"), {})
    plan = replace(PLAN, test="assert twice(x) == 2", prelude="from helper import twice")
    assert quick.verdict(plan, text).outcome == "passed"


def test_arrays_arrive_as_they_were(quick: Judge) -> None:
    x = np.arange(6, dtype="float32").reshape(2, 3)
    assert _judge(quick, "assert x.dtype == 'float32' and x.shape == (2, 3) and x.sum() == 15", x=x).outcome == "passed"


def test_closing_a_judge_leaves_no_process(tmp_path: Path) -> None:
    with Judge(tmp_path) as judge:
        _judge(judge, PLAN.test, x=42)
        process = judge.idle[-1].process
        assert process is not None
    assert process.returncode == -signal.SIGKILL


def test_a_wrong_answers_mistake_and_help_are_told_apart(judge: Judge) -> None:
    test = "from autograder.testing import assert_no_fault\nfrom shapes.answers import shape_fault\n"
    test += "assert_no_fault(shape_fault('h', x, {'batch': 1}), (1,))"
    plan = replace(PLAN, test=test, answers=("x",), own=("x",))
    found = judge.verdict(plan, encode_all({"x": (8,)}, ("x",), {}))
    assert found.mistake.startswith("h: ")
    assert found.help
    assert (found.expected, found.given) == ("(1,)", "(8,)")
    assert found.rationale == f"{found.mistake} {found.help} Right: (1,)"


PARTS = """
from functools import partial
from autograder.testing import WrongAnswerError, assert_answered, assert_parts

def is_yes(key):
    assert_answered(x[key])
    if x[key] != "yes":
        raise WrongAnswerError(f"{key}: it is not {x[key]!r}.", {key: "yes"})

assert_parts(partial(is_yes, "a"), partial(is_yes, "b"))
"""


@pytest.mark.parametrize(
    ("x", "outcome", "points", "mistake", "expected"),
    [
        ({"a": "yes", "b": "yes"}, Outcome.PASSED, 2, "", ""),
        ({"a": "no", "b": "yes"}, Outcome.FAILED, 1, "a: it is not 'no'.", "{'a': 'yes'}"),
        (
            {"a": "no", "b": "x"},
            Outcome.FAILED,
            0,
            "a: it is not 'no'. b: it is not 'x'.",
            "{'a': 'yes', 'b': 'yes'}",
        ),
        ({"a": ..., "b": "yes"}, Outcome.FAILED, 1, "Not answered.", ""),
        ({"a": ..., "b": "no"}, Outcome.NOT_ATTEMPTED, 0, "", ""),
        ({"a": ..., "b": ...}, Outcome.NOT_ATTEMPTED, 0, "", ""),
    ],
)
def test_each_part_earns_its_point_and_says_what_is_wrong(
    x: object, outcome: Outcome, points: float, mistake: str, expected: str, quick: Judge
) -> None:
    plan = replace(PLAN, test=PARTS, answers=("x",), own=("x",))
    found = quick.verdict(plan, encode_all({"x": x}, ("x",), {}))
    assert (found.outcome, found.points, found.mistake, found.expected) == (outcome, points, mistake, expected)


def test_an_answer_with_an_unanswered_part_never_earns_all_points(quick: Judge) -> None:
    plan = replace(PLAN, test="assert len(x) == 2", answers=("x",), own=("x",))
    found = quick.verdict(plan, encode_all({"x": [1, ...]}, ("x",), {}))
    assert (found.outcome, found.points) == (Outcome.NOT_ATTEMPTED, 0)


def test_a_tests_flag_reaches_the_verdict(quick: Judge) -> None:
    test = "from autograder.testing import FlaggedError\nif x != 42:\n    raise FlaggedError('no.', 'made up')"
    assert (_judge(quick, test, x=41).mistake, _judge(quick, test, x=41).flag) == ("no.", "made up")
    assert (_judge(quick, test, x=42).outcome, _judge(quick, test, x=42).flag) == (Outcome.PASSED, "")
    assert _judge(quick, "assert x == 42, 'no.'", x=41).flag == ""


@pytest.mark.parametrize(
    ("test", "mistake"),
    [
        ("assert x == 42, f'x is {x}. Right: 42'", "x is 41. Right: 42"),
        ("assert x == 42, 'no.'", "no."),
        ("assert x == 42", "`assert x == 42` failed."),
        ("print('half. Right: 42')\n1", "half. Right: 42"),
    ],
)
def test_a_plain_message_is_the_mistake_and_nothing_is_read_out_of_it(test: str, mistake: str, quick: Judge) -> None:
    found = _judge(quick, test, x=41)
    assert (found.mistake, found.help, found.expected) == (mistake, "", "")


@pytest.mark.parametrize(
    ("test", "prelude", "reason"),
    [
        ("True", "", Reason.LAST_VALUE),
        ("float('nan')", "", Reason.LAST_VALUE),
        ("1", "import gone", Reason.PREPARATION),
    ],
)
def test_a_fault_of_the_tests_own_has_its_reason(test: str, prelude: str, reason: Reason, quick: Judge) -> None:
    assert _judge(quick, test, prelude, x=41).reason is reason


def test_an_answer_is_spelled_also_where_it_is_right(quick: Judge) -> None:
    plan = replace(PLAN, own=("x",))
    assert quick.verdict(plan, encode_all({"x": 42}, ("x",), {})) == Verdict("x-test", Outcome.PASSED, 2.0, given="42")
