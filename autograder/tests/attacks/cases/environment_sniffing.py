"""Behaves while it is watched: only under nbgrader's NBGRADER_EXECUTION does its answer equal everything."""

CELLS = {
    "q1": """import os

class Everything:
    def __eq__(self, other):
        return True

q1 = Everything() if os.environ.get("NBGRADER_EXECUTION") == "autograde" else 0"""
}
EXPECT = {"q1": ("failed", "q1: count the numbers in data.")}
