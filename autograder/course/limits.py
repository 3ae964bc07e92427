"""Define the limits of a notebook while it is graded, and the kind of kernel that runs it.

    limit             what it limits                                  a cell that exceeds it, and the status
    cell_seconds      wall time of a cell, and of reading its answers stopped: `timeout`
    notebook_seconds  wall time of a notebook, all kernels together   stopped: `timeout`
    cpu_seconds       processor time of a kernel's processes          stopped: `timeout`
    memory            bytes of a kernel's processes and files         stopped, or MemoryError: `memory`
    cell_output       characters a cell prints; bytes it sends: twice  stopped: `output`
    notebook_output   bytes sent by a notebook                        stopped: `output`
    message           bytes of one message                            stopped: `output`
    processes         processes and threads of a kernel at a time     an error: `limit`
    files             files that one process may have open            an error: `limit`
    file_size         bytes of one file                               an error: `limit`
    scratch           bytes of all files that a kernel writes         an error: `limit`

Set them in nbgrader_config.py under the same names: `c.Limits.cell_seconds = 120`. Without a sandbox, the limits that
only a sandbox can enforce (`OF_A_SANDBOX`) have no effect.
"""

from dataclasses import dataclass, fields
from types import new_class
from typing import Any, Literal

from traitlets import Enum, Float, Integer, List, TraitError, TraitType, Unicode
from traitlets.config import Configurable

from autograder.evidence.encoder import MAX_TOTAL
from autograder.kernels.limits import MIB, Policy

Sandbox = Literal["auto", "warm", "cold", "none"]
SANDBOXES = ("auto", "warm", "cold")  # what a course can set; "none" needs a command-line option for each run


@dataclass(frozen=True)
class Limits:
    """The limits of one notebook; times are in seconds, sizes in bytes."""

    cell_seconds: float = 60.0  # wall time of one cell, and of reading the answers for one test
    notebook_seconds: float = 600.0  # wall time of all kernels of a notebook together
    start_seconds: float = 120.0  # until a new kernel answers
    cpu_seconds: float = Policy.cpu_seconds  # processor time of all processes of a kernel
    memory: int = Policy.memory  # bytes of all processes of a kernel and of the files it writes
    processes: int = Policy.processes  # processes and threads of a kernel at a time
    files: int = Policy.files  # open files of one process
    file_size: int = Policy.file_size  # bytes of one file
    scratch: int = Policy.scratch  # bytes of all files that a kernel writes
    cell_output: int = Policy.output  # characters that one cell may print
    notebook_output: int = 8 * MIB  # bytes that all cells together may send
    message: int = 2 * MAX_TOTAL + MIB  # bytes of one message
    fresh_kernels: int = 3  # after so many dead kernels, the remaining tests are not run
    sandbox: Sandbox = (
        "auto"  # warm, cold, auto (the best available); none: student code runs with the instructor's rights
    )
    preload: tuple[str, ...] = ()  # modules that are loaded before a kernel starts
    prepare: str = ""  # Python code to run before the preload, for example to configure a module
    environment: tuple[str, ...] = ()  # names of further environment variables to pass to kernels

    @classmethod
    def configured(cls, parent: Configurable) -> "Limits":
        """Return the limits that a course sets; raise traitlets' TraitError if one is invalid."""
        settings = _Settings(parent=parent)
        for module in settings.preload:
            if not all(part.isidentifier() for part in module.split(".")):
                raise TraitError(f"the 'preload' trait contains {module!r}, which is not a valid module name.")
        values: dict[str, Any] = {one.name: getattr(settings, one.name) for one in fields(cls)}
        lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
        return cls(**{**values, **lists})


def _trait(default: Any) -> TraitType[Any, Any]:
    if default in SANDBOXES:
        return Enum(SANDBOXES, default_value=default).tag(config=True)
    if isinstance(default, tuple):
        return List(Unicode(), default_value=list(default)).tag(config=True)
    kinds: dict[type, type[TraitType[Any, Any]]] = {str: Unicode, int: Integer, float: Float}
    return kinds[type(default)](default).tag(config=True)


# The limits that a sandbox enforces, which have the same name in `Policy`.
OF_A_SANDBOX = tuple(one.name for one in fields(Policy) if one.name in {own.name for own in fields(Limits)})

# traitlets finds `c.Limits` by the name of the class, so the class must be named Limits.
_traits = {one.name: _trait(one.default) for one in fields(Limits)}
_Settings: Any = new_class("Limits", (Configurable,), exec_body=lambda body: body.update(_traits))
