"""Hands in a class whose objects equal everything and differ by 0, where the solution's own methods decide."""

NOTEBOOK = "functions"
CELLS = {
    "vector": """class Vector:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __add__(self, other):
        return Vector(0, 0)

    def __sub__(self, other):
        return self

    def __abs__(self):
        return 0.0

    def __eq__(self, other):
        return True"""
}
EXPECT = {"vector": ("passed", "", 3.0)}
DECIDED = True
