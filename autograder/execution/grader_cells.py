"""Write the source of the cells that the grader runs in place of test cells.

Such a cell runs in the student's kernel, among names that the student may have bound to anything. It adds no name to
them. What it sends is not trusted.
"""

import base64
import zlib
from collections.abc import Sequence
from textwrap import indent

from autograder.evidence.kernel_source import kernel_source, program_source
from autograder.model import TestPlan

MIME = "application/vnd.autograder.evidence+json"
RUN = "__import__('sys').modules['autograder.kernels.program'].run(globals())"
UNCHANGED = "__import__('sys').modules['autograder.kernels.shared_shell'].SharedShell.current.require_unchanged()"


def capture_cell(plan: TestPlan, mark: str, has_program: bool = False) -> str:
    """Return the source of the cell that collects evidence, and displays it as MIME data with this mark.

    Args:
        plan: The test.
        mark: The mark.
        has_program: Whether the kernel has our program; otherwise the cell contains its source.
    """
    return _packed(
        f"{RUN if has_program else kernel_source()}\n"
        f"shell = __import__('IPython').get_ipython()\n"
        f"{_imports(plan)}"
        f"text = encode_all(dict(shell.user_ns), {list(plan.answers)!r}, {dict(plan.evidence)!r})\n"
        f"shell.display_pub.publish({{{MIME!r}: {{'mark': {mark!r}, 'text': text}}}})\n" + _visible(plan)
    )


def server_cell(plan: TestPlan, channel: str, has_program: bool = False) -> str:
    """Return the source of the cell that serves the notebook's objects to a test; see `capture_cell`.

    Args:
        plan: The test.
        channel: The source of the function that sends a text and returns its answer.
        has_program: Whether the kernel has our program.
    """
    return _packed(
        f"{RUN if has_program else program_source()}\n"
        f"shell = __import__('IPython').get_ipython()\n"
        f"{_imports(plan)}"
        f"serve(shell, {channel}, {list(plan.answers)!r}, {dict(plan.evidence)!r}, "
        f"{list(plan.locked)!r}, {plan.keep!r})\n" + _visible(plan)
    )


def unchanged_cell() -> str:
    """Return the source of the cell that fails if cells of a checkpoint have changed what ran before them."""
    return _packed(UNCHANGED)


def _imports(plan: TestPlan) -> str:
    """Return source that imports what the visible part of the test imports, for the functions that the test calls.

    A name that the notebook has bound keeps its value until the test is over.
    """
    return "".join(
        f"if not shell.user_ns.keys() & {names!r}:\n{indent(_done([source]), '    ')}" for source, names in plan.imports
    )


def _visible(plan: TestPlan) -> str:
    """Return source that does what the visible part of the test imports and defines, for later cells."""
    return _done(plan.visible) if plan.visible else ""


def _done(sources: Sequence[str]) -> str:
    return (
        f"for source in {tuple(sources)!r}:\n"
        "    try:\n"
        "        exec(compile(source, '<test>', 'exec'), shell.user_ns)\n"
        "    except Exception:\n"
        "        pass\n"
    )


def _packed(ours: str) -> str:
    """Return one statement that runs our code and adds no name to the student's namespace.

    An honest student may have shadowed `list`, `print` or `exec`, so the code uses them through `builtins`. It is sent
    compressed, because IPython scans the text of a cell several times.
    """
    builtins, packed = "__import__('builtins')", base64.b64encode(zlib.compress(ours.encode())).decode()
    source = f"__import__('zlib').decompress(__import__('base64').b64decode({packed!r}))"
    return f"{builtins}.exec({builtins}.compile({source}, '<evidence>', 'exec'), {{'__name__': 'encoder'}})"
