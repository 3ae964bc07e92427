"""Hands in a number of a class of its own that equals every number."""

CELLS = {
    "q1": """class Any(int):
    def __eq__(self, other):
        return True

q1 = Any(0)"""
}
EXPECT = {"q1": ("failed", "q1: count the numbers in data.")}
