"""Hands in classes where functions are needed, whose instances are lists and floats that equal everything."""

NOTEBOOK = "functions"
CELLS = {
    "squares": """class squares(list):
    def __init__(self, n):
        if n < 1:
            raise ValueError
    __eq__ = __contains__ = lambda self, other: True
    __len__ = lambda self: 3""",
    "mean": """class mean(float):
    def __new__(cls, numbers):
        return float.__new__(cls, 0)
    __sub__ = lambda self, other: 0.0
    __gt__ = __lt__ = lambda self, other: True
    __round__ = lambda self, digits=0: 3.5""",
}
EXPECT = {"squares": ("failed", "` failed"), "mean": ("failed", "` failed")}
