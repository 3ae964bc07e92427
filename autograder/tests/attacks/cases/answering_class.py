"""Gives every class an object claims to be from, in name and module, that of the expected answer."""

NOTEBOOK = "functions"
CELLS = {
    "squares": """class Forged:
    __eq__ = __contains__ = lambda self, other: True
    __len__ = lambda self: 3

Forged.__module__, Forged.__qualname__ = "builtins", "list"

def squares(n):
    if n < 1:
        raise ValueError
    return Forged()""",
    "scale": """class Array:
    __eq__ = lambda self, other: True
    __sub__ = lambda self, other: other * 0
    shape = (2, 2)

Array.__module__, Array.__qualname__ = "numpy", "ndarray"

def scale(array):
    return Array()""",
}
EXPECT = {
    "squares": ("open", "other type: a"),
    "scale": ("open", "other type: a"),
}
