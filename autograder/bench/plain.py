"""Measure plain nbgrader: its own command, preprocessors and kernels, on a temporary course.

Start-up is needed once per class. It ends when the log names the first notebook. With two processes, each grades half
of the class, and their rates are added.
"""

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

import psutil

from autograder.bench.figures import GRADING, PLAIN, Run
from autograder.bench.ours import reason
from autograder.bench.scene import SETTINGS
from autograder.course.course import Course, find_alembic
from autograder.errors import CourseError
from autograder.rnn.sample_class import ASSIGNMENT

LEAVE_OUT = "--CourseDirectory.student_id_exclude"
FIRST = b"Sanitizing "  # the log's line for the first notebook contains this
KILL = """c.Execute.shutdown_kernel = "immediate"  # a kernel is killed; Python and TensorFlow need a second to end
c.Execute.store_widget_state = False
c.Execute.record_timing = False
c.Execute.extra_arguments = ["--HistoryManager.enabled=False"]
"""


@dataclass(frozen=True)
class Setting:
    """One way to run it: additional settings, and how many processes share the class."""

    name: str
    settings: str = SETTINGS
    processes: int = 1


AS_IT_COMES = Setting(PLAIN)
SETTINGS_TRIED = (
    AS_IT_COMES,
    Setting(f"{PLAIN}, kernels killed", SETTINGS + KILL),
    Setting(f"{PLAIN}, kernels killed, two processes", SETTINGS + KILL, 2),
)


@dataclass
class _Process:
    """One `nbgrader autograde`; a thread reads its log."""

    process: subprocess.Popen[bytes]
    first: float = 0.0
    ended: float = 0.0
    cpu: float = 0.0
    lines: list[bytes] = field(default_factory=list)

    def listen(self) -> None:
        """Read the log until the process ends."""
        assert self.process.stdout is not None
        with self.process.stdout as log:
            for line in log:
                self.lines.append(line)
                if FIRST in line and not self.first:
                    self.first, self.cpu = time.perf_counter(), -_spent(self.process.pid)
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.ended, self.cpu = time.perf_counter(), self.cpu + usage.ru_utime + usage.ru_stime


def measure(course: Course, setting: Setting, assignment: str = ASSIGNMENT) -> Run:
    """Grade the course's class with plain nbgrader.

    Raises:
        CourseError: nbgrader fails.
    """
    students, notebooks = course.students(assignment), len(course.source_notebooks(assignment))
    parts = [students[i :: setting.processes] for i in range(setting.processes)]
    started = time.perf_counter()
    running = [_start(course, part, assignment) for part in parts if part]
    threads = [threading.Thread(target=one.listen) for one in running]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one in running:
        if one.process.returncode or not one.first:
            why = reason(one.process.returncode, b"".join(one.lines))
            raise CourseError(f"{course.root}: nbgrader failed: {why}")
    rate = sum(notebooks * len(part) / (one.ended - one.first) for part, one in zip(parts, running, strict=False))
    return Run(
        what=setting.name,
        jobs=setting.processes,
        submissions=len(students),
        notebooks=notebooks * len(students),
        seconds=notebooks * len(students) / rate,
        start=running[0].first - started,
        cpu={GRADING: sum(one.cpu for one in running)},
    )


def _start(course: Course, students: list[str], assignment: str) -> _Process:
    find_alembic()
    others = ",".join(one for one in course.students(assignment) if one not in students)
    return _Process(
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "nbgrader",
                "autograde",
                assignment,
                f"{LEAVE_OUT}={others}",
            ],
            cwd=course.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    )


def _spent(process: int) -> float:
    spent = psutil.Process(process).cpu_times()
    return float(spent.user + spent.system + spent.children_user + spent.children_system)
