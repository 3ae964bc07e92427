"""Make a zip for students: the released notebooks, an environment and a short README. It has no solutions."""

from collections.abc import Mapping
from pathlib import Path

from traitlets import Unicode
from traitlets.config import Configurable

from autograder.course.course import Course, check_names
from autograder.distribution import own_command
from autograder.errors import CourseError
from autograder.files import write_zip
from autograder.release.release import is_stale

README = """\
# {title}

The notebooks are in {folders}. To open them you need Python 3.11, 3.12 or 3.13. In this folder type

    python -m venv .venv
    .venv/bin/python -m pip install -r requirements.txt     (Windows: .venv\\Scripts\\python)
    .venv/bin/python -m jupyter lab                         (Windows: .venv\\Scripts\\python)

or, with conda: `conda env create -f environment.yml`, `conda activate {name}`, `jupyter lab`.

Open the first notebook and run its cells from top to bottom. Type your answers where the notebook asks for them. Save,
and hand in the notebooks under the names they have.
"""

ENVIRONMENT = """\
name: {name}
channels: [conda-forge]
dependencies:
  - python=3.11
  - pip
  - pip:
      - -r requirements.txt
"""


class Handout(Configurable):
    """Settings of the handout: `c.Handout.… = …` in nbgrader_config.py."""

    readme = Unicode(
        README,
        help="Text of the handout's README.md, or the name of a file in the course folder with the text. "
        "{title}, {name} and {folders} are filled in.",
    ).tag(config=True)


def handout(course: Course, path: Path | None = None) -> Path:
    """Write the zip for students.

    Args:
        course: The course.
        path: Where to write it; None means `handout/<course>.zip`.

    Returns:
        The path of the zip.

    Raises:
        CourseError: An assignment is not released yet, or its release is out of date.
    """
    name = course.directory.course_id or course.root.name
    path = path or course.root / "handout" / f"{name}.zip"
    files = {**_notebooks(course), **_papers(course, name)}
    write_zip(path, {f"{name}/{inside}": content for inside, content in files.items()})
    return path


def _notebooks(course: Course) -> dict[str, bytes]:
    found, advice = {}, f"run `{own_command()} release` first"
    for assignment in course.assignments():
        folder = course.folder("release", assignment)
        if not folder.is_dir():
            raise CourseError(f"{folder.resolve()}: not released yet; {advice}.")
        if is_stale(course, assignment):
            raise CourseError(f"{folder.resolve()}: older than its source notebooks; {advice}.")
        for file in sorted(folder.rglob("*")):
            if file.is_file() and not {".ipynb_checkpoints", "__pycache__"} & set(file.parts):
                found[f"{assignment}/{file.relative_to(folder)}"] = file.read_bytes()
    return found


def _papers(course: Course, name: str) -> dict[str, bytes]:
    names = course.graded() + [assignment for assignment in course.assignments() if assignment in course.ungraded]
    folders = ", ".join(f"`{name}/`" + " (not graded)" * (name in course.ungraded) for name in names)
    texts = {
        "README.md": _readme(course, {"{title}": name, "{name}": name, "{folders}": folders}),
        "environment.yml": ENVIRONMENT.format(name=name),
        "requirements.txt": "".join(f"{line}\n" for line in course.requirements),
    }
    return {file: text.encode() for file, text in texts.items()}


def _readme(course: Course, values: Mapping[str, str]) -> str:
    """Return the README's text with the values filled in; raise CourseError if it cannot be read."""
    check_names(course.config, "Handout", Handout.class_trait_names(config=True))
    text = str(Handout(parent=course).readme)
    if "\n" not in text:
        try:
            text = (course.root / text).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise CourseError(f"c.Handout.readme: {text} cannot be read ({type(error).__name__}: {error}).") from None
    for name, value in values.items():
        text = text.replace(name, value)
    return text
