"""The process behind `judge`: read one question per line, run its test in a fork, write one verdict per line.

The parent only forks, waits and kills, so it never decodes a student's data. The fork has limits: rlimits on processor
time (the process is killed) and address space (the test gets a MemoryError), a wall-time limit enforced by the parent,
a file size limit of 0, and output to the null device. What the test prints becomes the message for partial credit.

A line that begins with `LOAD` is not a question: it names modules that tests import. One that begins with `COMPILE`
contains a test. The parent loads and compiles each once, and each fork inherits it. Only `judge` writes lines, and a
student's data is JSON inside a line, never at its start.

A fork that needs the student's kernel writes a line that begins with `ASK`; the parent passes it on unread, and the
next line from `judge` back. Time that the kernel takes does not count as the test's. `KEEP` before a question keeps the
fork for the next one, which shares its names, and `DROP` ends it.
"""

import contextlib
import gc
import io
import json
import math
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.ma  # NumPy imports these when they are used; do that once here, not in each fork
import numpy.random

from autograder.errors import EvidenceError
from autograder.evidence.decoder import decode, decode_all, missing
from autograder.evidence.display import display_names, is_blank, is_unanswered
from autograder.judging import seal
from autograder.judging.checks import Checks, failed, unusable, with_check
from autograder.judging.compiled import compiled_prelude, compiled_test
from autograder.judging.credit import credit, first_line, is_partial, not_attempted, parts, verdict
from autograder.model import Outcome, Reason

LOAD = b"load "
COMPILE = b"compile "  # before a test with its prelude, as a question has them
OF_FORKS = ("resource", "autograder.kernels.linux")  # what each fork needs; missing on some systems
KEEP = b"keep "  # before a question: the fork stays for the next one, which then has the names of this test
ASK = b"ask "  # before a text that a fork sends to the student's kernel
TRIAL = b"trial "  # before a question: run the test on empty answers, in another fork and without a kernel
TRIAL_SECONDS = 2.0  # an empty answer may send a test into an endless loop
DROP = b"drop\n"  # in place of the kernel's answer, or between questions: end the fork
KILLED = b"killed\n"  # in place of a verdict: something else than the test has killed the fork
STANDARD = 3  # descriptors
END_TIMEOUT = 1.0  # seconds in which a process that has closed its pipes must end
MAX_FILES = 64 << 20  # bytes of one copied file: `live.files` lifts the limit of 0 while it copies a notebook's


def main() -> None:
    """Answer questions until standard input ends."""
    helpers, seconds, memory = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    sys.path.insert(0, helpers)
    with os.fdopen(os.dup(0), "rb") as questions, os.fdopen(os.dup(1), "wb") as answers:
        _silence()  # a module that prints while it loads must not write into the verdicts
        _load([*OF_FORKS])
        fork: _Fork | None = None
        for line in questions:
            if line.startswith(LOAD):
                _load(line[len(LOAD) :].decode().split())
                continue
            if line.startswith(COMPILE):
                _compile(json.loads(line[len(COMPILE) :]))
                continue
            if line.startswith(TRIAL):
                answers.write(_tried(line, seconds, memory))
                answers.flush()
                continue
            fork = fork or _Fork(seconds, memory)
            if line != DROP:
                answers.write(fork.answer(line, questions, answers))
                answers.flush()
            if not line.startswith(KEEP) or fork.ended:
                fork.end()
                fork = None


def _tried(line: bytes, seconds: float, memory: int) -> bytes:
    fork = _Fork(min(seconds, TRIAL_SECONDS), memory)
    try:
        return fork.answer(line, io.BytesIO(), io.BytesIO())
    finally:
        fork.end()


def _load(modules: list[str]) -> None:
    """Load modules such as `numpy`, and names such as `shapes:draw`, for which a package may load a module.

    Failures are ignored, since the test that imports the module will report them.
    """
    for what in modules:
        module, _, name = what.partition(":")
        with contextlib.suppress(Exception):
            getattr(__import__(module, fromlist=[name]), name or "__name__")
    _settle()


def _compile(question: dict[str, Any]) -> None:
    """Compile a test for all forks. Failures are ignored, since the fork that judges reports them."""
    with contextlib.suppress(Exception):
        compiled_prelude(question["prelude"])
        compiled_test(question["test"], question["hidden"], live=question["live"])
        if question["live"]:
            from autograder.judging.live.namespace import names_in_texts

            names_in_texts(question["prelude"], question["test"])
    gc.freeze()  # what `_settle` is for; to collect takes longer than to compile a test


def _settle() -> None:
    """Keep what is loaded out of a fork's garbage collections: they would copy the memory that all forks share."""
    gc.collect()
    gc.freeze()


class _Fork:
    """A process that judges one test, or the tests of a notebook one after the other."""

    def __init__(self, seconds: float, memory: int) -> None:
        self.seconds, self.ended = seconds, False
        self.status: list[int] = []  # as `os.waitpid` returns it, once the process has ended
        from_child, to_parent = os.pipe()
        from_parent, to_child = os.pipe()
        self.child = os.fork()
        if self.child == 0:
            with contextlib.suppress(BaseException):  # however a fork ends, the parent then reads an empty answer
                os.dup2(from_parent, STANDARD)
                os.dup2(to_parent, STANDARD + 1)
                os.closerange(STANDARD + 2, max(from_child, to_parent, from_parent, to_child) + 1)
                _bound(seconds, memory)
                _judge_all()
            os._exit(0)
        os.close(to_parent)
        os.close(from_parent)
        self.answers, self.questions = os.fdopen(from_child, "rb"), os.fdopen(to_child, "wb")

    def answer(self, question: bytes, kernel: Any, asks: Any) -> bytes:
        """Have a question answered, and pass on what the test asks the student's kernel."""
        late = False
        left = self.seconds
        try:
            self._tell(question)
            while True:
                start = time.monotonic()
                late = not select.select([self.answers], [], [], max(left, 0.0))[0]
                left -= time.monotonic() - start
                line = b"" if late else self.answers.readline()
                if not line.startswith(ASK):
                    break
                asks.write(line)
                asks.flush()
                self._tell(kernel.readline())
        except BrokenPipeError:
            line = b""
        if line.startswith(b"{") and line.endswith(b"\n"):
            return line
        self.ended = True
        if not late and self._was_killed():
            return KILLED
        sentence = "the test could not finish on this answer" + (f" within {self.seconds:g} s" if late else "") + "."
        return json.dumps(verdict(Outcome.FAILED, 0.0, sentence)).encode() + b"\n"

    def _tell(self, line: bytes) -> None:
        self.questions.write(line)
        self.questions.flush()

    def _was_killed(self) -> bool:
        """Return whether the process was killed. It cannot do that itself: its rlimits end it with other signals."""
        deadline = time.monotonic() + END_TIMEOUT
        while not self.status and time.monotonic() < deadline:
            ended, status = os.waitpid(self.child, os.WNOHANG)
            self.status = [status] if ended else []
            time.sleep(0 if ended else 0.01)
        return bool(self.status) and os.WIFSIGNALED(self.status[0]) and os.WTERMSIG(self.status[0]) == signal.SIGKILL

    def end(self) -> None:
        """End the process."""
        if not self.status:
            os.kill(self.child, signal.SIGKILL)
            os.waitpid(self.child, 0)
        self.answers.close()
        with contextlib.suppress(BrokenPipeError):
            self.questions.close()


def _judge_all() -> None:
    """Judge the questions that the parent sends; the names of one test are kept for the next."""
    kept: list[Any] = []
    with os.fdopen(STANDARD, "rb") as questions, os.fdopen(STANDARD + 1, "wb") as answers:

        def ask(text: str) -> str:
            answers.write(ASK + json.dumps(text).encode() + b"\n")
            answers.flush()
            line = questions.readline()
            if not line or line == DROP:
                os._exit(0)
            return str(json.loads(line))

        for line in questions:
            question = json.loads(line.removeprefix(KEEP).removeprefix(TRIAL))
            if line.startswith(TRIAL):
                result = _empty(question)
            else:
                result = _live(question, ask, kept) if question.get("live") else judge(question)
            answers.write(json.dumps(result).encode() + b"\n")
            answers.flush()


def _live(question: dict[str, Any], ask: Callable[[str], str], kept: list[Any]) -> dict[str, Any]:
    from autograder.judging.live.verdicts import judge_live  # most tests need no objects

    return judge_live(question, ask, kept)


def _empty(question: dict[str, Any]) -> dict[str, Any]:
    from autograder.judging.live.empty_answers import judge_empty

    return judge_empty(question)


def _bound(seconds: float, memory: int) -> None:
    import resource  # missing on Windows, where this module is still imported

    os.setsid()
    if sys.platform == "linux":
        from autograder.kernels.linux import PDEATHSIG, prctl

        prctl(PDEATHSIG, signal.SIGKILL)  # a killed worker leaves no test running
    _silence(2)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(seconds), math.ceil(seconds) + 1))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, MAX_FILES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    seal.close()


def _silence(*more: int) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, *more):
        os.dup2(null, standard)
    os.close(null)


def judge(question: dict[str, Any]) -> dict[str, Any]:
    """Judge one question: a dict with `names`, `evidence`, `prelude` and `test` (sources), maximum `points`, `own`."""
    try:
        decoded = decode_all(question["evidence"])
    except EvidenceError as error:
        return verdict(Outcome.NO_EVIDENCE, 0.0, str(error), reason=Reason.DAMAGED)
    entries = [decoded.get(name) or missing(name) for name in question["names"]]
    values = {entry.subject: entry.value for entry in entries if not entry.reason}
    own = {name: values[name] for name in question["own"] if name in values}
    unanswered = any(map(is_unanswered, values.values()))
    if unanswered and all(map(is_blank, own.values())):
        return not_attempted()
    for entry in entries:
        if entry.reason:
            about = {"reason": entry.reason, "subject": entry.subject, "detail": entry.detail}
            return not_attempted() if unanswered else verdict(Outcome.NO_EVIDENCE, 0.0, entry.sentence, **about)
    result = _test(question, values) | {"given": display_names(own)}
    return not_attempted() if unanswered and not is_partial(result, float(question["points"])) else result


def _test(question: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    try:
        namespace |= {name: decode(text, name) for name, text in question.get("givens", {}).items()}
        exec(compiled_prelude(question["prelude"]), namespace)
        checks = Checks(question["test"], question.get("hidden", {}))
        test = compiled_test(question["test"], checks.hidden)
    except Exception as error:
        fails = f"the test's imports and constants fail ({first_line(error)})."
        return verdict(Outcome.GRADER_ERROR, None, fails, reason=Reason.PREPARATION)
    namespace |= values | checks.hooks
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), np.errstate(all="ignore"):
            exec(test.body, namespace)
            final = eval(test.last, namespace) if test.last else None
    except AssertionError as error:
        return failed(error, checks, parts(error))
    except MemoryError:
        return verdict(Outcome.FAILED, 0.0, "the test ran out of memory on this answer.")
    except BaseException as error:  # SystemExit too: it must not end the judge as if all were well
        return unusable(error, checks)
    result = credit(final, float(question["points"]), printed.getvalue().strip(), bool(question.get("by_truth")))
    return with_check(result, checks)


if __name__ == "__main__":
    main()
