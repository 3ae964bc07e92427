"""Generate the reference pages from the code: commands, settings, statuses, columns, assertions, the helper."""

import argparse
import ast
import inspect
from collections.abc import Iterator
from typing import Any

from traitlets.config import Configurable

from autograder import testing
from autograder.cli.parser import build
from autograder.course import limits
from autograder.course.course import Course, Feedback, Release
from autograder.docs.texts import ROOT, described, sections, table
from autograder.gradebook.late_policy import DailyPenalty
from autograder.model import Status
from autograder.release.handout import Handout
from autograder.rnn import assertions

CONFIGURED: tuple[tuple[type[Any], str], ...] = (
    (Course, "The course."),
    (Release, "What `autograder release` accepts."),
    (Feedback, "What students read of a test that failed."),
    (Handout, "What `autograder handout` packs."),
    (DailyPenalty, "A late policy, for `c.AssignLatePenalties.plugin_class`."),
    (limits._Settings, "What a notebook may use while it is graded, and what its kernels load."),
)
PERSONALIZATION = (
    ("`cls`", "`''`", "The name of a class that changes notebooks for each student."),
    ("`salt`", "`''`", "For this course's class: any text. Sizes are drawn from it and the student's id."),
)
STATUSES = {
    Status.OK: "nothing is wrong, and nothing was recorded yet",
    Status.GRADER_ERROR: "the grader failed on a notebook; the log file has the reason, and the points stay open",
    Status.DAMAGED: "a notebook cannot be read, or it changes how its own cells run",
    Status.MISSING: "a notebook was not handed in",
    Status.CRASH: "a cell ended the kernel",
    Status.MEMORY: "a cell used more memory than it may",
    Status.TIMEOUT: "a cell or the notebook took longer than it may",
    Status.OUTPUT: "a cell printed more than it may",
    Status.LIMIT: "a cell reached another limit: processes, files, disk space",
    Status.OTHER_ID: "the notebook has another student's id (own numbers)",
    Status.NO_ID: "the notebook has no id (own numbers)",
    Status.UNSANDBOXED: "graded without a sandbox, with `--unsafe-no-sandbox`",
    Status.NOT_SUBMITTED: "the student has not handed in",
    Status.NEEDS_MANUAL_GRADING: "a written answer or an open test is not marked yet",
    Status.GRADED: "all points are given",
    Status.UNCHANGED: "graded before, and nothing has changed since",
}
COLUMNS = (
    ("`student_id`", "the name of the folder in `submitted/`"),
    ("`last_name`, `first_name`, `email`", "from the gradebook or `roster.csv`; blank if neither has them"),
    ("`q1` …", "the points of each question; blank while they are missing, never 0 instead"),
    ("`raw_score`, `late_penalty`", "the sum of the points so far; what is deducted for handing in late"),
    ("`score`, `max_score`", "the sum of the points so far, minus late penalties; the maximum"),
    ("`status`", "one word, the first of the statuses below that applies"),
    ("`handed_in`", "the time in `timestamp.txt`; blank if nobody knows it"),
    ("`reproducible`", "after `autograder reproduce`: `yes`, `no` and the cells that differ, or `not run`"),
    ("`repairs`", "what was repaired in the submission before it was run"),
)
HELPER = "shapes"  # the package beside the notebooks


def pages() -> dict[str, str]:
    """Return the reference pages by file name."""
    return {
        "reference/commands.md": "# Commands\n\n" + "\n".join(_commands()),
        "reference/settings.md": _settings(),
        "reference/files.md": _files(),
        "reference/testing.md": _testing(),
        "reference/helper.md": _helper(),
    }


def _commands() -> Iterator[str]:
    parser = build()
    yield f"{parser.description}\n\n```\n{parser.epilog}\n```\n"
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, sub in sorted(action.choices.items()):
                yield f"## `autograder {name}`\n\n{sub.description}\n"
                yield table(("argument", "meaning"), (_argument(one) for one in sub._actions if one.dest != "help"))


def _argument(action: argparse.Action) -> tuple[str, str]:
    words = action.metavar if isinstance(action.metavar, str) else " ".join(action.metavar or ())
    if not action.option_strings:
        return f"`{words or action.dest}`", action.help or ""
    names = ", ".join(f"`{name}`" for name in action.option_strings)
    return f"{names} `{words}`" if words else names, action.help or ""


def _settings() -> str:
    text = "# Settings\n\nSet them in `nbgrader_config.py`, as in `c.Limits.memory = 4 << 30`.\n"
    text += "nbgrader's own settings work, too.\n"
    for kind, about in CONFIGURED:
        traits = _own_traits(kind)
        text += f"\n## `c.{kind.__name__}`\n\n{about}\n\n"
        rows = ((f"`{name}`", f"`{trait.default_value_repr()}`", trait.help) for name, trait in traits.items())
        text += table(("setting", "default", "meaning"), rows)
    text += "\n## `c.Personalization`\n\nNotebooks that differ from student to student.\n\n"
    return text + table(("setting", "default", "meaning"), PERSONALIZATION)


def _own_traits(kind: type[Any]) -> dict[str, Any]:
    inherited = set(Configurable.class_trait_names()) | {"log"}
    return {name: trait for name, trait in kind.class_traits(config=True).items() if name not in inherited}


def _files() -> str:
    rows = [(f"`{status.value}`" if status.value else "(empty)", STATUSES[status]) for status in Status]
    return (
        "# Files and statuses\n\n## The columns of grades.csv\n\n"
        + table(("column", "contents"), COLUMNS)
        + "\n## Statuses\n\nIf several apply, the first one of this list is shown.\n\n"
        + table(("status", "meaning"), rows)
    )


def _testing() -> str:
    text = "# Assertions for your tests\n\n"
    text += f"## `autograder.testing`: for any course\n\n{inspect.cleandoc(testing.__doc__ or '')}\n\n"
    text += "\n".join(map(described, _public(testing)))
    text += f"\n## `autograder.rnn.assertions`: for this course\n\n{inspect.cleandoc(assertions.__doc__ or '')}\n\n"
    return text + "\n".join(map(described, _public(assertions)))


def _public(module: Any) -> list[Any]:
    """Return a module's own public functions and classes, in the order of the file."""
    own = [
        value
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isfunction(value) or inspect.isclass(value))
        and value.__module__ == module.__name__
    ]
    return sorted(own, key=lambda value: inspect.getsourcelines(value)[1])


def _helper() -> str:
    """Describe the helper that students import; its files are read, not imported, as they belong to the course."""
    folder = ROOT / "solutions" / "rnn_shapes" / HELPER
    tree = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
    names = next(
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
    )
    found: dict[str, ast.FunctionDef] = {}
    for path in sorted(folder.glob("*.py")):  # __init__.py is the first
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef):
                found.setdefault(node.name, node)
    text = f"# The learner's helper\n\n{inspect.cleandoc(ast.get_docstring(tree) or '')}\n"
    for function in (found[name] for name in names if name in found):
        head = f"## `{function.name}`\n\n```python\n{function.name}({ast.unparse(function.args)})\n```"
        text += f"\n{head}\n\n{sections(ast.get_docstring(function) or '')}\n"
    return text
