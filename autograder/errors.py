"""What can go wrong, as one tree of exceptions; each says with which exit status a command that it stops ends.

    AutograderError          the message is one sentence: what is wrong with which file, and what to do       status
    ├── CourseError          a foreseeable fault of a course, its submissions or the machine                       1
    │   └── UsageError       what the command line names is not there, or does not go together                     2
    ├── NoSandboxError       this machine cannot run a kernel in a sandbox                                         1
    ├── KernelError          no kernel could be started                                                            1
    ├── KernelEnded          a cell ended its kernel; `kind` says how                                              1
    ├── Damaged              a submitted file is not a notebook                                                    1
    └── EvidenceError        a text is not evidence                                                                1

The other statuses: 0 where all is well, 130 after Ctrl-C, and 1 after anything that is not in this tree, which is a
fault of the grader's: its traceback goes into a log file.

Three exceptions are outside the tree, because the code that raises them may import nothing of this package or is
compared by another base: `OutputLimitError` (in a kernel), `RefusedError` (in the encoder, which is sent to a kernel as
text), and the assertions that tests raise.
"""


class AutograderError(Exception):
    """The base of this package's exceptions."""

    exit_status = 1


class CourseError(AutograderError):
    """A foreseeable fault of a course, a submission or the machine; the message is one sentence for its reader."""


class UsageError(CourseError):
    """The command line names what is not there, or options that do not go together."""

    exit_status = 2


class NoSandboxError(AutograderError):
    """This machine cannot run a kernel in a sandbox; the message says what is missing and how to get it."""


class KernelError(AutograderError):
    """No kernel could be started: a fault of the grader or its machine, not of the student."""


class KernelEnded(AutograderError):  # noqa: N818
    """A cell ended its kernel; `kind` is one of `execution.failures.DEATHS`."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class Damaged(AutograderError, ValueError):  # noqa: N818
    """A file is not a notebook; the message is one sentence that names it and says what to do."""


class EvidenceError(AutograderError, ValueError):
    """A text is not evidence; the message is one sentence and says what to do."""
