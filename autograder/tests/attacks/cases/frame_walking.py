"""Hands in a number that, when it is compared, walks to the test's frame and reads the right answer from its code."""

CELLS = {
    "q1": """import sys

class Peeking(int):
    def __eq__(self, other):
        return other in sys._getframe(1).f_code.co_consts

q1 = Peeking(0)"""
}
EXPECT = {"q1": ("failed", "q1: count the numbers in data.")}
