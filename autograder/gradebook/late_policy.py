"""A late policy for nbgrader's `AssignLatePenalties`: deduct a share of the score for each day late."""

import math

from nbgrader.plugins import LateSubmissionPlugin
from traitlets import Float

DAY = 24 * 60 * 60  # seconds


class DailyPenalty(LateSubmissionPlugin):  # type: ignore[misc]
    """Deduct `percent_per_day` percent of the score for each day late or part of it, up to the whole score."""

    percent_per_day = Float(
        10.0, min=0.0, max=100.0, help="Percent of the score to deduct for each day late; a part of a day counts."
    ).tag(config=True)

    def late_submission_penalty(self, student_id: str, score: float, total_seconds_late: float) -> float:
        """Return the points to deduct from a notebook's `score` if it was handed in `total_seconds_late` late."""
        days = math.ceil(total_seconds_late / DAY)
        return score * min(1.0, days * self.percent_per_day / 100)
