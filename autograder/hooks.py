"""What a course's nbgrader_config.py needs of this package: `hooks.configure(c)`.

nbgrader's own commands and formgrader then restore, run and judge as `autograder grade` does, and write its feedback.
"""

from traitlets.config import Config

from autograder.notebook.personalize import RELEASE
from autograder.reports.nbgrader_feedback import CHAIN

# By name: every command reads the configuration, and few of them run notebooks.
PREPROCESSORS = "autograder.grading.nbgrader_preprocessors"
SANITIZE = (f"{PREPROCESSORS}.Restore", "nbgrader.preprocessors.CheckCellMetadata")
AUTOGRADE = (
    f"{PREPROCESSORS}.Judge",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
)


def configure(c: Config) -> None:
    """Set nbgrader's preprocessors and hooks in a course's configuration.

    Args:
        c: the configuration, as `get_config()` returns it in nbgrader_config.py. Set what differs after this call.
    """
    c.GenerateAssignment.preprocessors = RELEASE
    c.ClearMarkScheme.enforce_metadata = False  # a marking scheme may have a locked cell of its own
    c.GenerateFeedback.preprocessors = CHAIN  # feedback shows neither hidden tests nor marking schemes
    c.Autograde.sanitize_preprocessors = list(SANITIZE)
    c.Autograde.autograde_preprocessors = list(AUTOGRADE)
    c.Autograde.pre_convert_hook = f"{PREPROCESSORS}.before"
