"""A course with a question of the sample class that needs no TensorFlow, for tests of what surrounds a notebook."""

from pathlib import Path

import nbformat

from autograder.bench.scene import SETTINGS
from autograder.course.course import CONFIG, Course
from autograder.rnn.sample_class import ASSIGNMENT
from autograder.tests.harness.tiny_course import PRELOAD, locked, make_question

PREPARE = "c.Limits.prepare = 'import pandas; pandas.options.display.width = 99'"
CELLS = [
    locked("setup", "import pandas\nsum(range(3_000_000))"),  # long enough to be measured, like the test
    *make_question(
        "q8",
        "q8 = {'LSTM': ['h', 'c'], 'GRU': ['h']}",
        "sum(range(1_000_000))\nassert sorted(q8['LSTM']) == ['c', 'h']\nassert list(q8['GRU']) == ['h']",
        "q8 = ...",
    ),
]


def make_without_tensorflow(folder: Path) -> Course:
    """Make a course folder whose notebook has one question, which samples of `rnn.sample_answers` answer."""
    source = folder / "solutions" / ASSIGNMENT
    source.mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(cells=CELLS), source / "3_gru.ipynb")
    (folder / CONFIG).write_text(f"{SETTINGS}{PRELOAD}\n{PREPARE}\n", encoding="utf-8")
    return Course.at(folder)
