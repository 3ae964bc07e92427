"""Make a course folder: a new course with an example, or one from an existing nbgrader folder. Nothing is overwritten.

A new course gets settings, a source notebook with one example assignment, two submissions to try the commands with, and
a list of what git should ignore. An nbgrader folder only gets the two lines that let nbgrader's own commands grade as
`autograder grade` does; its notebooks are not touched.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat

from autograder.course.course import CONFIG, Course
from autograder.errors import CourseError, UsageError
from autograder.files import write_atomically
from autograder.release.example import ASSIGNMENT, NOTEBOOK, SAMPLES, source_notebook, submission
from autograder.text import parse_python

HOOKS = "autograder.hooks"
LINES = """\
from autograder import hooks
hooks.configure({name})  # nbgrader's own commands grade as `autograder grade` does
"""
SETTINGS = '''\
"""Settings of the course, for nbgrader, formgrader and autograder."""

from autograder import hooks

c = get_config()  # noqa: F821  (nbgrader defines it)
hooks.configure(c)  # nbgrader's own commands grade as `autograder grade` does

c.CourseDirectory.course_id = "{name}"

# When an assignment is due, in the course's time zone:
#   c.Course.timezone = "Europe/Berlin"
#   c.Course.due_dates = {{"example": "2027-01-31 23:59"}}
# What students read of a hidden check that failed: your own message, or only which check it is.
#   c.Feedback.hidden_tests = "number"
'''
IGNORE = """\
# A class's data, and what is made of it.
gradebook.db*
submitted/
autograded/
feedback/
reports/
roster.csv
grades*.csv
canvas*.csv
moodle*.csv
report*.html
report*.json
"""


def make_course(folder: Path) -> Iterator[str]:
    """Make a course folder, and yield a sentence for each thing that was done.

    Args:
        folder: The folder. It may be new, empty, or one that nbgrader uses.

    Raises:
        UsageError: The folder is no folder, or has an nbgrader_config.py that is not Python.
        CourseError: The settings cannot be used.
        OSError: A file cannot be written.
    """
    folder = folder.resolve()
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: not a folder; name another one.")
    is_new = not (folder / CONFIG).exists() and not any((folder / "source").glob("*/*.ipynb"))
    folder.mkdir(parents=True, exist_ok=True)
    yield _settings(folder)
    if is_new:
        yield from _example(folder)
    course = Course.at(folder)
    try:
        yield f"assignments: {', '.join(course.assignments())}"
    except CourseError as error:  # it says where source notebooks belong
        yield str(error)


def _settings(folder: Path) -> str:
    """Write the settings, or add the lines of the hooks to those that are there."""
    path = folder / CONFIG
    if not path.exists():
        name = re.sub(r"[^A-Za-z0-9_-]+", "-", folder.name).strip("-") or "course"
        write_atomically(path, SETTINGS.format(name=name))
        return f"wrote {path}"
    content = path.read_bytes().decode()
    try:
        tree = parse_python(content)
    except SyntaxError as error:
        raise UsageError(f"{path}: line {error.lineno}: {error.msg}; fix the file, then run this again.") from None
    if _has_hooks(tree):
        return f"left as it is: {path}, which loads {HOOKS} already"
    line, name = _place(tree)
    whole = content.splitlines(keepends=True)
    newline = "\r\n" if whole and whole[0].endswith("\r\n") else "\n"
    if line and not whole[line - 1].endswith("\n"):
        whole[line - 1] += newline
    whole.insert(line, LINES.format(name=name).replace("\n", newline))
    write_atomically(path.resolve(), "".join(whole).encode())
    return f"added to {path}, after line {line}: the two lines that load {HOOKS}"


def _has_hooks(tree: ast.Module) -> bool:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            names |= {module.removesuffix("."), *(f"{module}{alias.name}" for alias in node.names)}
    return HOOKS in names


def _place(tree: ast.Module) -> tuple[int, str]:
    """Return the line after which the lines belong, and the configuration's name: before the course's own settings."""
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(id="get_config"))):
                return node.end_lineno or node.lineno, name
    last = 0
    for node in tree.body:  # `c` is defined, too, where get_config is not called
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not (is_text or isinstance(node, ast.Import | ast.ImportFrom)):
            break
        last = node.end_lineno or node.lineno
    return last, "c"


def _example(folder: Path) -> Iterator[str]:
    files = {folder / "source" / ASSIGNMENT / f"{NOTEBOOK}.ipynb": nbformat.writes(source_notebook())}
    for student in SAMPLES:
        path = folder / "submitted" / student / ASSIGNMENT / f"{NOTEBOOK}.ipynb"
        files[path] = nbformat.writes(submission(student))
    files[folder / ".gitignore"] = IGNORE
    for path, text in files.items():
        if path.exists():
            yield f"left as it is: {path}"
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, f"{text.rstrip()}\n")
        yield f"wrote {path}"
