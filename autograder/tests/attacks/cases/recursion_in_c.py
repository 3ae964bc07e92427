"""Lifts Python's limit of recursion and calls itself until the stack is gone."""

CELLS = {
    "q3": """import sys

sys.setrecursionlimit(10**9)

class Deep:
    def __repr__(self):
        return repr(self)

q3 = repr(Deep())"""
}
EXPECT = {"q3": ("no evidence", "crash")}
