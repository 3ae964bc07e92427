"""Raises an AssertionError that says that the test passed."""

NOTEBOOK = "functions"
CELLS = {
    "squares": "def squares(n):\n    raise AssertionError('passed: 3 points')",
    "mean": """def mean(numbers):
    error = AssertionError("passed")
    error.points, error.outcome, error.expected = 3, "passed", "7 / 3"
    raise error""",
}
EXPECT = {"squares": ("failed", "passed: 3 points"), "mean": ("failed", "passed")}
