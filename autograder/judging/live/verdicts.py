"""Judge one test cell while the student's kernel answers: read the answers, run the test, and return a verdict."""

import contextlib
import io
import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.errors import EvidenceError
from autograder.evidence.decoder import Found, found
from autograder.evidence.display import display_names, is_blank, is_unanswered
from autograder.evidence.reader_leaves import DamageError
from autograder.judging.checks import failed, unusable, with_check
from autograder.judging.credit import credit, first_line, is_partial, not_attempted, parts, verdict
from autograder.judging.live.exceptions import StudentClass
from autograder.judging.live.known import TestEnded
from autograder.judging.live.operations import LiveWire, object_for_data
from autograder.judging.live.runner import LiveTest, shown
from autograder.model import Outcome, Reason

_FAILS = frozenset({Reason.OBJECT_FOR_DATA})
_NO_EVIDENCE = frozenset({Reason.DAMAGED, Reason.LIMIT, Reason.NOT_PLAIN_DATA})


def judge_live(question: dict[str, Any], ask: Callable[[str], str], kept: list[Any]) -> dict[str, Any]:
    """Judge one question while the kernel answers; `kept` has the run of the earlier tests of the notebook, if any.

    A student's code that changed the test's own lists, where the solution's did not, could make a comparison true: then
    the test is judged once more without these changes, and both runs must pass.
    """
    test = LiveTest(question, ask, kept[-1] if kept else None)
    kept[:] = [test]
    result = _judged(test)
    if result["outcome"] == Outcome.PASSED and test.wire.unproved_change:
        test.restart(ignore_changes=True)
        again = _judged(test)
        result = again if again["outcome"] != Outcome.PASSED else result
    return result


def passes(test: LiveTest) -> bool:
    """Run a test and return whether it passes."""
    return bool(_judged(test)["outcome"] == Outcome.PASSED)


def _judged(test: LiveTest) -> dict[str, Any]:
    try:
        result = _unprepared(test) or _entries(test) or _outcome(test)
    except TestEnded as end:
        result = _ended(end)
    return not_attempted() if test.unanswered and not is_partial(result, float(test.question["points"])) else result


def _unprepared(test: LiveTest) -> dict[str, Any]:
    """Run the prelude, since an answer may be an object of one of its classes; return a verdict if that fails."""
    try:
        test.prepare()
    except Exception as error:
        fails = f"the test's imports and constants fail ({first_line(error)})."
        return verdict(Outcome.GRADER_ERROR, None, fails, reason=Reason.PREPARATION)
    return {}


def _entries(test: LiveTest) -> dict[str, Any]:
    """Read the answers; return a verdict if one of them keeps the test from running."""
    question, wire = test.question, test.wire
    entries = test.first()
    present = question["proof"]["present"] if question.get("proof") else ()
    values: dict[str, Any] = {}
    for name in question["names"]:
        entry = entries.get(name)
        result = _found(name, entry, wire)
        is_evidence = name in question["evidence_names"]
        if not result.reason:
            values[name] = result.value
            continue
        test.missing_names[name] = result
        if is_evidence or result.reason is not Reason.MISSING or name in present:
            test.missing = test.missing or result
    own = [values[name] for name in question["own"] if name in values]
    test.unanswered = any(map(is_unanswered, values.values()))
    if test.unanswered and all(map(is_blank, own)):
        return not_attempted()
    if test.missing:
        return _nothing(test.missing)
    test.present = sorted(values)
    for name, value in values.items():
        if name in question["evidence_names"]:
            dict.__setitem__(test.names, name, value)
        else:
            wire.fresh[name] = test.stand_ins[name](value) if name in test.stand_ins else test.own(name, value)
    test.given = {name: values[name] for name in question["own"] if name in values}
    return {}


def _nothing(lacking: Found) -> dict[str, Any]:
    about = {"reason": lacking.reason, "subject": lacking.subject, "detail": lacking.detail}
    return verdict(Outcome.NO_EVIDENCE, 0.0, lacking.sentence, **about)


def _found(name: str, entry: Any, wire: LiveWire) -> Found:
    if isinstance(entry, dict) and entry.keys() == {"value"}:
        try:
            return Found(name, wire.value(entry["value"]))
        except (DamageError, EvidenceError) as damage:
            return Found(name, None, Reason.DAMAGED, (str(damage),))
    return found(name, entry)


def _outcome(test: LiveTest) -> dict[str, Any]:
    printed, before = io.StringIO(), sys.stdout
    try:
        with contextlib.redirect_stdout(printed), np.errstate(all="ignore"), test.files():
            result = _run(test, printed)
    finally:
        sys.stdout = before
    if test.wire.fault:
        return _ended(test.wire.fault)
    if result["outcome"] == Outcome.PASSED and test.hides_assertion():
        result = _failed(test, test.wire.assertions[0])
    for kind in sorted(test.wire.plain.own_numbers):
        return _of_own_number(kind, result)
    raised = bool(test.wire.assertions)
    proof = {"live": test.is_live(), "present": test.present, "asserted": raised, "libraries": test.libraries}
    proof |= {"by_truth": test.ends_in_truth, **test.places.to_data()}
    given = {name: shown(value, test.wire) for name, value in test.given.items() if not test.wire.key_of(value)}
    return result | {"given": display_names(given)} | ({} if test.places.proof else {"proof": json.dumps(proof)})


def _of_own_number(kind: str, result: dict[str, Any]) -> dict[str, Any]:
    """Return the verdict where the student's own class stood for a number: nobody has seen whether it is one."""
    if result["points"]:
        what = f"your answer has numbers of your type {kind}; as plain numbers they are right, so mark it by hand"
        return _ended(TestEnded(Reason.OTHER_TYPE, what))
    is_of_type = result["outcome"] == Outcome.FAILED
    return _ended(TestEnded(Reason.OBJECT_FOR_DATA, object_for_data(kind))) if is_of_type else result


def _run(test: LiveTest, printed: io.StringIO) -> dict[str, Any]:
    try:
        try:
            final = test.run()
        finally:
            test.end()
    except TestEnded:
        raise
    except AssertionError as error:
        return _failed(test, error)
    except NameError as error:
        if error.name in test.missing_names:
            return _nothing(test.missing_names[error.name])
        return unusable(error, test.checks)
    except MemoryError:
        return verdict(Outcome.FAILED, 0.0, "the test ran out of memory on this answer.")
    except BaseException as error:  # SystemExit too: it must not end the judge as if all were well
        return unusable(error, test.checks)
    final = None if test.wire.key_of(final) else final  # an object does not say how many points it earns
    test.ends_in_truth = isinstance(final, bool | np.bool_)
    by_truth = test.ends_in_truth if test.places.proof is None else bool(test.places.proof.get("by_truth"))
    result = credit(final, float(test.question["points"]), printed.getvalue().strip(), by_truth)
    if result["outcome"] == Outcome.GRADER_ERROR and test.places.proof is not None:  # the solution's value was none
        result = verdict(Outcome.FAILED, 0.0, result["rationale"], reason=result["reason"])
    return with_check(result, test.checks)


def _failed(test: LiveTest, error: AssertionError) -> dict[str, Any]:
    about = {} if isinstance(type(error), StudentClass) else parts(error)  # only a test's own exception has parts
    return failed(error, test.checks, about)


def _ended(end: TestEnded) -> dict[str, Any]:
    """Return the verdict where the test could not go on: what the student cannot fix stays open."""
    sentence = f"{end.sentence}."
    if end.reason in _FAILS:
        return verdict(Outcome.FAILED, 0.0, sentence, reason=end.reason)
    if end.reason in _NO_EVIDENCE:
        return verdict(Outcome.NO_EVIDENCE, 0.0, sentence, reason=end.reason)
    return verdict(Outcome.OPEN, None, sentence, reason=end.reason, help=end.fix, line=end.line)
