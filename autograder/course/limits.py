"""What a notebook may use while it is graded, and in what kind of kernel it runs.

    limit             what                                            what becomes of a cell that meets it
    cell_seconds      wall time of a cell, of a taking of evidence    stopped: `timeout`
    notebook_seconds  wall time of a notebook, all kernels together   stopped: `timeout`
    cpu_seconds       processor time of a kernel's processes          stopped: `timeout`
    memory            bytes of a kernel's processes and files         stopped, or MemoryError: `memory`
    cell_output       characters a cell prints; sends: twice that     stopped: `output`
    notebook_output   bytes sent by a notebook                        stopped: `output`
    message           bytes of one message                            stopped: `output`
    processes         processes and threads of a kernel at a time     an error: `limit`
    files             files that one process may have open            an error: `limit`
    file_size         bytes of one file                               an error: `limit`
    scratch           bytes of all files that a kernel writes         an error: `limit`

Set in nbgrader_config.py by the same names: `c.Limits.cell_seconds = 120`. The settings from `cpu_seconds` on that a
sandbox enforces are not enforced without one.
"""

from dataclasses import dataclass, fields
from types import new_class
from typing import Any, Literal

from traitlets import Enum, Float, Integer, List, TraitError, TraitType, Unicode
from traitlets.config import Configurable

from autograder.evidence.encoder import MAX_TOTAL
from autograder.kernels.limits import MIB, Policy

Sandbox = Literal["auto", "warm", "cold", "none"]
SANDBOXES = ("auto", "warm", "cold")  # that a course can set; to go without is said for one run, by an option


@dataclass(frozen=True)
class Limits:
    """Limits of one notebook; times in seconds, sizes in bytes."""

    cell_seconds: float = 60.0  # wall time of one cell, and of one taking of evidence
    notebook_seconds: float = 600.0  # wall time of all its kernels together
    start_seconds: float = 120.0  # until a kernel answers
    cpu_seconds: float = Policy.cpu_seconds  # processor time of all processes of a kernel
    memory: int = Policy.memory  # of all processes of a kernel and of what it writes
    processes: int = Policy.processes  # processes and threads of a kernel at a time
    files: int = Policy.files  # open at a time, in one process
    file_size: int = Policy.file_size  # bytes of one file
    scratch: int = Policy.scratch  # bytes of all files that a kernel writes
    cell_output: int = Policy.output  # that one cell may print or send
    notebook_output: int = 8 * MIB  # that all cells together may send
    message: int = 2 * MAX_TOTAL + MIB  # bytes of one message
    fresh_kernels: int = 3  # after how many deaths the rest goes without evidence
    sandbox: Sandbox = "auto"  # warm, cold, auto (what can be had); none: student code runs as whoever grades
    preload: tuple[str, ...] = ()  # modules that kernels find loaded
    prepare: str = ""  # Python that a kernel's parent runs first of all, such as a setting of a module that it loads
    environment: tuple[str, ...] = ()  # names of environment variables that kernels see, beyond the usual ones

    @classmethod
    def configured(cls, parent: Configurable) -> "Limits":
        """The limits that a course sets; raises traitlets' TraitError where one is not of its type."""
        found = _Settings(parent=parent)
        for module in found.preload:
            if not all(part.isidentifier() for part in module.split(".")):
                raise TraitError(f"the 'preload' trait has {module!r}, which is not the name of a module.")
        values: dict[str, Any] = {one.name: getattr(found, one.name) for one in fields(cls)}
        lists = {name: tuple(value) for name, value in values.items() if isinstance(value, list)}
        return cls(**{**values, **lists})


def _trait(default: Any) -> TraitType[Any, Any]:
    if default in SANDBOXES:
        return Enum(SANDBOXES, default_value=default).tag(config=True)
    if isinstance(default, tuple):
        return List(Unicode(), default_value=list(default)).tag(config=True)
    kinds: dict[type, type[TraitType[Any, Any]]] = {str: Unicode, int: Integer, float: Float}
    return kinds[type(default)](default).tag(config=True)


# Those of a sandbox's limits that have the same name here.
OF_A_SANDBOX = tuple(one.name for one in fields(Policy) if one.name in {own.name for own in fields(Limits)})

# `c.Limits`: traitlets' configuration goes by the name of the class.
_traits = {one.name: _trait(one.default) for one in fields(Limits)}
_Settings: Any = new_class("Limits", (Configurable,), exec_body=lambda body: body.update(_traits))
