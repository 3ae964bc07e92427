"""Grade one class with this grader and measure this process. Run as a program; `ours` starts it.

The first student is graded before the measurement, so that the kernels' parent and the judge are running. Processor
time of this process and of the judge is counted before and after. Kernels have all that the machine has used besides:
the system does not report what a killed process has used. So nothing else may run meanwhile.
"""

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psutil

from autograder.bench.figures import GRADING, JUDGE, KERNELS
from autograder.course.course import Course
from autograder.gradebook.recorder import Graded, Recorder
from autograder.grading.class_run import ClassRun
from autograder.rnn.sample_class import ASSIGNMENT

POLL_INTERVAL = 0.1  # seconds
# roles, by a part of the command line
ROLES = {"autograder.judging.worker": JUDGE, "autograder.kernels": KERNELS, "": GRADING}


def main() -> None:
    """Grade the class and print the measurements as one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("course", type=Path)
    parser.add_argument("--jobs", type=int, required=True)
    parser.add_argument("--shape", required=True)
    parser.add_argument("--assignment", default=ASSIGNMENT)
    parser.add_argument("--whole", action="store_true")  # without checkpoints
    parser.add_argument("--memory", action="store_true")  # measure kernels' memory, which takes time
    options = parser.parse_args()
    course = Course.at(options.course)
    limits = replace(course.limits, sandbox=options.shape, checkpoints=not options.whole)
    first, *rest = course.students(options.assignment)
    ClassRun(course, options.assignment, [first], limits=limits, jobs=1).grade()
    start = time.time() - psutil.Process().create_time()
    watch = _Watch() if options.memory else None
    measured = _measured(ClassRun(course, options.assignment, rest, limits=limits, jobs=options.jobs).grade)
    kernels = watch.seen() if watch else []
    measured |= {
        "start": start,
        "submissions": len(rest),
        "notebooks": len(rest) * len(course.source_notebooks(options.assignment)),
    }
    memory = [(kernel.unique, kernel.proportional) for kernel in kernels if kernel.unique]
    sys.stdout.write(json.dumps(measured | {"peak": _peak(), "memory": memory}) + "\n")


def _measured(work: Callable[[], object]) -> dict[str, Any]:
    before, busy, started, own = _cpu(), _busy(), time.perf_counter(), time.thread_time()
    with _recorded() as batches:
        work()
    seconds, own, after = time.perf_counter() - started, time.thread_time() - own, _cpu()
    busy = _busy() - busy
    recording, computing = sum(batch.seconds for batch in batches), sum(batch.cpu for batch in batches)
    cpu = {role: after[role] - before[role] for role in (GRADING, JUDGE)}
    cpu[KERNELS] = max(0.0, busy - sum(cpu.values()))
    # the head process' time includes waiting for the disk, but not waiting for results
    done = [batch.end - started for batch in batches for _ in range(batch.submissions)]
    return {"seconds": seconds, "cpu": cpu, "recording": recording, "head": own - computing + recording, "done": done}


@dataclass(frozen=True)
class _Batch:
    """Results that were recorded together: wall and processor seconds, and when they were done."""

    submissions: int
    seconds: float
    cpu: float
    end: float


@contextmanager
def _recorded() -> Iterator[list[_Batch]]:
    """Collect what is recorded."""
    batches: list[_Batch] = []
    plain = Recorder.record_all

    def timed(recorder: Recorder, batch: Sequence[Graded]) -> dict[str, Exception]:
        wall, own = time.perf_counter(), time.thread_time()
        try:
            return plain(recorder, batch)
        finally:
            end = time.perf_counter()
            batches.append(_Batch(len(batch), end - wall, time.thread_time() - own, end))

    with patch.object(Recorder, "record_all", timed):
        yield batches


def _busy() -> float:
    """Return the processor seconds that the machine has used."""
    times = psutil.cpu_times()
    return float(times.user + times.system + sum(getattr(times, kind, 0.0) for kind in ("nice", "irq", "softirq")))


def _cpu() -> dict[str, float]:
    """Return processor seconds by role."""
    found = dict.fromkeys(ROLES.values(), 0.0)
    for process in _all():
        with suppress(psutil.Error):
            spent = process.cpu_times()
            below = spent.children_user + spent.children_system
            found[_role(process)] += spent.user + spent.system + below
    return found


def _all() -> list[psutil.Process]:
    own = psutil.Process()
    return [own, *own.children(recursive=True)]


def _role(process: psutil.Process) -> str:
    words = " ".join(process.cmdline())
    return next(role for module, role in ROLES.items() if module in words)


def _peak() -> int:
    """Return the most bytes of resident memory that this process has had."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmHWM"))


@dataclass
class _Kernel:
    """Maxima of one kernel: bytes that it does not share, and those plus its share of shared memory."""

    unique: int = 0
    proportional: int = 0


class _Watch:
    """Poll running kernels for their memory."""

    def __init__(self) -> None:
        self.found, self.done = dict[int, _Kernel](), threading.Event()
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()

    def seen(self) -> list[_Kernel]:
        """Stop polling and return what was measured."""
        self.done.set()
        self.thread.join()
        return list(self.found.values())

    def _watch(self) -> None:
        while not self.done.wait(POLL_INTERVAL):
            for process in _all()[1:]:
                with suppress(psutil.Error):
                    # processes that only fork or watch have one thread
                    if _role(process) == KERNELS and process.num_threads() > 1:
                        self._look(process, self.found.setdefault(process.pid, _Kernel()))

    def _look(self, process: psutil.Process, kernel: _Kernel) -> None:
        held = process.memory_full_info()
        kernel.unique, kernel.proportional = max(kernel.unique, held.uss), max(kernel.proportional, held.pss)


if __name__ == "__main__":
    main()
