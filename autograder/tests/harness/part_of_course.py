"""This checkout's course with a few of its notebooks: TensorFlow's kernels are most of what a test of a class costs."""

import shutil
from pathlib import Path

from autograder.course.course import CONFIG, Course
from autograder.tests.support import ROOT, SOURCE, copy_helper


def make_part(folder: Path, *notebooks: str, settings: str = "") -> Course:
    """Make a course folder with these source notebooks, their helpers and the course's settings.

    `settings` are more lines of its nbgrader_config.py.
    """
    source = folder / SOURCE.relative_to(ROOT)
    source.mkdir(parents=True)
    for name in notebooks:
        shutil.copy(SOURCE / f"{name}.ipynb", source)
    copy_helper(source)
    (folder / CONFIG).write_text((ROOT / CONFIG).read_text("utf-8") + settings, "utf-8")
    return Course.at(folder)
