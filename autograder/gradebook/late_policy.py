"""A late policy for nbgrader's `AssignLatePenalties`: a share of the score for each day begun."""

import math

from nbgrader.plugins import LateSubmissionPlugin
from traitlets import Float

DAY = 24 * 60 * 60  # seconds


class DailyPenalty(LateSubmissionPlugin):  # type: ignore[misc]
    """Take `percent_per_day` percent of the score for each day begun after the due date, at most all of it."""

    percent_per_day = Float(10.0, min=0.0, max=100.0, help="Percent of the score lost for each day begun.").tag(
        config=True
    )

    def late_submission_penalty(self, student_id: str, score: float, total_seconds_late: float) -> float:
        """Points to take off a notebook that scored `score` and came `total_seconds_late` seconds late."""
        days = math.ceil(total_seconds_late / DAY)
        return score * min(1.0, days * self.percent_per_day / 100)
