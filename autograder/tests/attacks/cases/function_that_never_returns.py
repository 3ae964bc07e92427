"""Lets a function loop for ever as soon as a hidden test calls it."""

NOTEBOOK = "functions"
CELLS = {"squares": "def squares(n):\n    while n > 2:\n        pass\n    return [1, 4][:n]"}
EXPECT = {"squares": ("no evidence", "timeout")}
LIMITS = {"cell_seconds": 2.0}
