"""Template courses: each has one released notebook, whose tests are proved, and the classmate's submission.

A scene copies a template, so nothing of an attack reaches it. To make one takes longer than most attacks. Therefore the
processes of a run share a folder of templates, which an environment variable names.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, fields
from pathlib import Path

import nbformat
from filelock import FileLock
from nbformat import NotebookNode

from autograder.course.course import Course
from autograder.course.limits import Limits
from autograder.gradebook.source_assignment import SourceAssignment
from autograder.grading.proving import prove
from autograder.release.release import release
from autograder.rnn.sample_answers import SAMPLES, WHY
from autograder.tests.attacks.harness.attack import FUNCTIONS, OF_THE_BENCH, TINY, of_this_course, seconds
from autograder.tests.attacks.harness.functions import RIGHT as RIGHT_FUNCTIONS
from autograder.tests.attacks.harness.functions import functions
from autograder.tests.attacks.harness.tiny import RIGHT, TOOLS, tiny
from autograder.tests.harness.proofs import proved_in
from autograder.tests.support import SOURCE, copy_helper

ASSIGNMENT, CLASSMATE = "ps", "zoe"
FOLDER = "ATTACK_TEMPLATES"  # environment variable: the folder that the processes of a run share
SETTINGS = """c = get_config()
c.CourseDirectory.course_id = "attacked"
c.ClearSolutions.code_stub = {{"python": "# put your answer in place of ..."}}
c.ClearMarkScheme.enforce_metadata = False
c.Execute.timeout = {seconds}
"""
OF_THIS_COURSE = """c.ClearSolutions.text_stub = "*Write your answer here, in one or two sentences.*"
c.Personalization.cls = "autograder.rnn.own_numbers.OwnNumbers"
c.Release.from_student = ["model", "lstm", "gru"]
"""  # as this course sets them: so other tests of a run have proved its notebooks, too


@contextmanager
def shared_templates(folder: Path) -> Iterator[None]:
    """Share the templates in a folder with the processes that use it, too; the last one of them removes it.

    Each process locks a file beside the folder. So a process that was killed does not count.
    """
    with folder.with_suffix(".users").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        folder.mkdir(exist_ok=True)
        os.environ[FOLDER] = str(folder)
        try:
            yield
        finally:
            del os.environ[FOLDER]
            with suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)


@contextmanager
def templates_of_a_run() -> Iterator[None]:
    """Share templates with the processes that this one starts, unless the process that started it already does so."""
    if FOLDER in os.environ:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="attack-courses-") as folder, shared_templates(Path(folder, "templates")):
        yield


def template(notebook: str) -> Path:
    """Return the folder of a course with this notebook; the first process of a run that asks for it makes it."""
    folder = Path(os.environ[FOLDER])
    made = folder / notebook
    if made.exists():  # where the folder is read-only, it cannot be locked
        return made
    with FileLock(folder / f"{notebook}.lock"):
        if not made.exists():
            with tempfile.TemporaryDirectory(dir=folder) as new:
                _make(Path(new, notebook), notebook)
                Path(new, notebook).rename(made)
    return made


def right(notebook: str) -> dict[str, str]:
    """Right answers by question, written ones too: of a notebook of the bench, or of the whole course."""
    if notebook in OF_THE_BENCH:
        return RIGHT if notebook == TINY else RIGHT_FUNCTIONS
    return {question: samples[0].code for question, samples in SAMPLES.items()} | WHY


def answer(notebook: NotebookNode, sources: Mapping[str, str]) -> None:
    """Type sources into the cells of these names."""
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = sources.get(name, cell.source)


def limit_settings(limits: Limits) -> str:
    """Return the lines of nbgrader_config.py that set these limits."""
    usual = {field.name: field.default for field in fields(Limits)}
    lines = [
        f"c.Limits.{name} = {list(value) if isinstance(value, tuple) else value!r}\n"
        for name, value in asdict(limits).items()
        if value != usual[name]
    ]
    return "".join(lines)


def _make(folder: Path, notebook: str) -> None:
    settings = SETTINGS.format(seconds=int(seconds(notebook)))
    source = folder / "source" / ASSIGNMENT
    source.mkdir(parents=True)
    if notebook == TINY:
        nbformat.write(tiny(), source / "tiny.ipynb")
        (source / "tools.py").write_text(TOOLS)
    elif notebook == FUNCTIONS:
        nbformat.write(functions(), source / "functions.ipynb")
    else:
        shutil.copy(SOURCE / f"{notebook}.ipynb", source)
        copy_helper(source)
        settings += OF_THIS_COURSE
        settings += limit_settings(of_this_course())  # its modules are loaded once, not by each kernel of a proof
    (folder / "nbgrader_config.py").write_text(settings)
    course = Course.at(folder)
    released = release(course, ASSIGNMENT)
    if notebook in OF_THE_BENCH:
        prove(SourceAssignment.load(course, ASSIGNMENT))  # as the command does
    else:
        proved_in(Path(os.environ[FOLDER]).parent, course, ASSIGNMENT)
    place = folder / "submitted" / CLASSMATE / ASSIGNMENT
    shutil.copytree(released, place)
    honest = nbformat.read(place / f"{notebook}.ipynb", 4)
    answer(honest, right(notebook))
    nbformat.write(honest, place / f"{notebook}.ipynb")
