"""Configure nbgrader for a course: call `hooks.configure(c)` in its nbgrader_config.py.

nbgrader's own commands and formgrader then repair, run and judge submissions as `autograder grade` does, and write the
same feedback.
"""

from traitlets.config import Config

from autograder.notebook.personalize import RELEASE
from autograder.reports.nbgrader_feedback import CHAIN

# Names instead of classes, because every command reads the configuration but few commands need these modules.
PREPROCESSORS = "autograder.grading.nbgrader_preprocessors"
SANITIZE = (f"{PREPROCESSORS}.Restore", "nbgrader.preprocessors.CheckCellMetadata")
AUTOGRADE = (
    f"{PREPROCESSORS}.Judge",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
)


def configure(c: Config) -> None:
    """Set nbgrader's preprocessors and hooks in the configuration of a course.

    Args:
        c: the configuration, as `get_config()` returns it in nbgrader_config.py.
            To override a setting, set it after this call.
    """
    c.GenerateAssignment.preprocessors = RELEASE
    c.ClearMarkScheme.enforce_metadata = False  # a marking scheme may be in a separate locked cell
    c.GenerateFeedback.preprocessors = CHAIN  # feedback without hidden tests and marking schemes
    c.Autograde.sanitize_preprocessors = list(SANITIZE)
    c.Autograde.autograde_preprocessors = list(AUTOGRADE)
    c.Autograde.pre_convert_hook = "autograder.grading.nbgrader_converter.before"
