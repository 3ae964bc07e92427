"""Returns a list whose class answers comparisons, lengths and membership by itself."""

NOTEBOOK = "functions"
CELLS = {
    "squares": """class Squares(list):
    __eq__ = __contains__ = lambda self, other: True
    __ne__ = lambda self, other: False
    __len__ = lambda self: 3

def squares(n):
    if n < 1:
        raise ValueError
    return Squares()""",
    "ordered": """class Ordered(list):
    __eq__ = lambda self, other: True
    __iter__ = lambda self: iter(())

def ordered(numbers):
    return Ordered()""",
}
EXPECT = {"squares": ("failed", "` failed"), "ordered": ("failed", "` failed")}
