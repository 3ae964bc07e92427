"""Judge a test against names in this process, without a kernel: for objects that cannot be forked, such as models."""

import queue
import threading
import types
from typing import Any

from autograder.course.limits import Limits
from autograder.evidence.server import server
from autograder.judging.judge import Judge
from autograder.model import TestPlan, Verdict

SECONDS = 60  # a message takes milliseconds


def verdict(judge: Judge, plan: TestPlan, names: dict[str, Any]) -> Verdict:
    """Judge one test on these names, which a thread serves as a student's kernel does."""
    asked, told = queue.Queue[str](), queue.Queue[str]()

    def exchange(message: str) -> str:
        told.put(message)
        return asked.get(timeout=SECONDS)

    def serve() -> None:
        shell = types.SimpleNamespace(user_ns=names)
        server.serve(shell, exchange, list(plan.answers), dict(plan.evidence), list(plan.locked), plan.keep)

    def ask(text: str) -> str:
        asked.put(text)
        return told.get(timeout=SECONDS)

    kernel = threading.Thread(target=serve)
    kernel.start()
    try:
        with judge.session() as session:
            return session.live(plan, told.get(timeout=SECONDS), ask, Limits().stateful)
    finally:
        asked.put("")
        kernel.join(SECONDS)
