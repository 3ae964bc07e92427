"""Processes that are killed while a class is graded: no mark is ever another one, and the next run completes them."""

from pathlib import Path

import pytest

from autograder.tests.attacks.harness.faults import GRADER, Report, disturbed, make_class
from autograder.tests.support import kernels

KILLS = 20


@pytest.mark.kernel
def test_marks_are_those_of_a_quiet_run_whatever_is_killed(tmp_path: Path) -> None:
    report = disturbed(make_class(tmp_path), KILLS, seed=0)
    assert report.wrong == []
    assert report.kills.total() == KILLS
    assert kernels() == []


def test_the_figures_are_sentences() -> None:
    report = Report(runs=3, stopped=["no sandbox."], missing=2, wrong=["ada: x has 0 in place of 2"])
    report.kills.update([GRADER, GRADER, "kernel"])
    assert report.lines() == [
        "3 kills (grader 2, kernel 1) in 3 runs of a class of 3.",
        "1 runs ended early, 2 marks were missing until a later run.",
        "1 marks differ from those of a quiet run.",
        "ada: x has 0 in place of 2",
    ]
