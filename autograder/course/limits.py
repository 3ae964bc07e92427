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

from dataclasses import Field, dataclass, field, fields
from types import new_class
from typing import Any, Literal

from traitlets import Bool, Enum, Float, Integer, List, TraitError, TraitType, Unicode
from traitlets.config import Configurable

from autograder.evidence.encoder import MAX_TOTAL
from autograder.kernels.limits import MIB, Policy

Sandbox = Literal["auto", "warm", "cold", "none"]
SANDBOXES = ("auto", "warm", "cold")  # what a course can set; "none" needs a command-line option for each run


def _limit(default: Any, about: str) -> Any:
    return field(default=default, metadata={"help": about})


@dataclass(frozen=True)
class Limits:
    """The limits of one notebook; times are in seconds, sizes in bytes."""

    cell_seconds: float = _limit(60.0, "Seconds (wall time) of one cell, and of reading the answers for one test.")
    notebook_seconds: float = _limit(600.0, "Seconds (wall time) of all kernels of a notebook together.")
    start_seconds: float = _limit(120.0, "Seconds until a new kernel answers.")
    cpu_seconds: float = _limit(Policy.cpu_seconds, "Seconds of processor time of all processes of a kernel.")
    memory: int = _limit(Policy.memory, "Bytes of all processes of a kernel and of the files it writes.")
    processes: int = _limit(Policy.processes, "Processes and threads of a kernel at a time.")
    files: int = _limit(Policy.files, "Files that one process may have open.")
    file_size: int = _limit(Policy.file_size, "Bytes of one file.")
    scratch: int = _limit(Policy.scratch, "Bytes of all files that a kernel writes.")
    cell_output: int = _limit(Policy.output, "Characters that one cell may print; it may send twice as many bytes.")
    notebook_output: int = _limit(8 * MIB, "Bytes that all cells of a notebook together may send.")
    message: int = _limit(2 * MAX_TOTAL + MIB, "Bytes of one message from a kernel.")
    fresh_kernels: int = _limit(3, "After so many dead kernels, the remaining tests of a notebook are not run.")
    sandbox: Sandbox = field(
        default="auto", metadata={"help": "The kind of sandbox: warm, cold, or auto for the best that is available."}
    )
    preload: tuple[str, ...] = _limit((), "Modules that are loaded before a kernel starts.")
    prepare: str = _limit("", "Python code to run before these modules are loaded. It must not start a thread.")
    stateful: tuple[str, ...] = _limit(("matplotlib.pyplot",), "Modules that tests use as the notebook left them.")
    environment: tuple[str, ...] = _limit((), "Names of further environment variables that kernels get.")
    checkpoints: bool = _limit(True, "Run the cells that a whole class shares once, and let kernels go on from there.")

    hidden: tuple[str, ...] = _limit((), "Further folders that kernels must not see; the course's own never are.")

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


def _trait(limit: Field[Any]) -> TraitType[Any, Any]:
    default, about = limit.default, {"help": limit.metadata["help"]}
    if default in SANDBOXES:
        return Enum(SANDBOXES, default_value=default, **about).tag(config=True)
    if isinstance(default, tuple):
        return List(Unicode(), default_value=list(default), **about).tag(config=True)
    kinds: dict[type, type[TraitType[Any, Any]]] = {str: Unicode, int: Integer, float: Float, bool: Bool}
    return kinds[type(default)](default, **about).tag(config=True)


# The limits that a sandbox enforces, which have the same name in `Policy`.
OF_A_SANDBOX = tuple(one.name for one in fields(Policy) if one.name in {own.name for own in fields(Limits)})

# traitlets finds `c.Limits` by the name of the class, so the class must be named Limits.
_traits = {one.name: _trait(one) for one in fields(Limits)}
_Settings: Any = new_class("Limits", (Configurable,), exec_body=lambda body: body.update(_traits))
