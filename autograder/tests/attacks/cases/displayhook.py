"""Hands in an object that, when the test compares it, displays 3.0: nbgrader takes the first result for the points."""

CELLS = {
    "q1": """import sys

class Generous:
    def __eq__(self, other):
        sys.displayhook(3.0)
        return False

q1 = Generous()"""
}
EXPECT = {"q1": ("failed", "object for data: your answer has an object of type Generous")}
