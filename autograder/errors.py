"""Define the exceptions of this package, with the exit status of a command that they stop.

    AutograderError          the message says in one sentence what is wrong, in which file, and what to do    status
    ├── CourseError          a foreseeable error in a course, its submissions or the machine                       1
    │   └── UsageError       the command line names something that does not exist, or conflicting options          2
    ├── NoSandboxError       this machine cannot run a kernel in a sandbox                                         1
    ├── KernelError          no kernel could be started                                                            1
    ├── KernelEnded          a cell ended its kernel; `how` is a `Death`                                           1
    ├── Damaged              a submitted file is not a notebook                                                    1
    ├── Refused              a submitted file is skipped; the message is the reason, in a few words                1
    └── EvidenceError        a text cannot be decoded as evidence                                                  1

Other exit statuses: 0 if all is well, 130 after Ctrl-C, and 1 after any exception outside this tree. That is an error
of the grader itself, and its traceback is written to a log file.

Three exceptions are outside the tree: `OutputLimitError` and `RefusedError`, because code in a student's kernel cannot
import this package, and the errors that tests raise, because those must be AssertionErrors.
"""

from enum import Enum, auto


class AutograderError(Exception):
    """The base of this package's exceptions."""

    exit_status = 1


class CourseError(AutograderError):
    """A foreseeable error in a course, a submission or the machine; the message is one sentence for the instructor."""


class UsageError(CourseError):
    """The command line names something that does not exist, or options that cannot be combined."""

    exit_status = 2


class NoSandboxError(AutograderError):
    """This machine cannot run a kernel in a sandbox; the message says what is missing and how to get it."""


class KernelError(AutograderError):
    """No kernel could be started: an error of the grader or its machine, not of the student."""


class Death(Enum):
    """How a cell ended its kernel; `execution.failures` has the reason and the sentence for each."""

    CELL_TIME = auto()
    NOTEBOOK_TIME = auto()
    PROCESSOR_TIME = auto()
    MEMORY = auto()
    OUTPUT = auto()
    UNFINISHED = auto()  # a message was too large, or the cell never reported that it was done
    CRASH = auto()
    DAMAGED = auto()  # the cell sent something that is not a kernel message
    MACHINE_MEMORY = auto()  # the whole machine had almost no memory left
    KILLED = auto()  # the kernel was killed, perhaps by the cell
    LOST = auto()  # the kernel, or the judge that it answered, was killed by something else than the notebook


class KernelEnded(AutograderError):  # noqa: N818
    """A cell ended its kernel."""

    def __init__(self, how: Death) -> None:
        super().__init__(how.name)
        self.how = how


class Damaged(AutograderError, ValueError):  # noqa: N818
    """A file is not a notebook; the message is one sentence that names it and says what to do."""


class Refused(AutograderError):  # noqa: N818
    """A submitted file is skipped; the message is the reason, in a few words."""


class EvidenceError(AutograderError, ValueError):
    """A text cannot be decoded as evidence; the message is one sentence and says what to do."""
