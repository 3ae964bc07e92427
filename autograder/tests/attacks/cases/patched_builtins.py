"""Patches the builtin `all`."""

CELLS = {
    "q2": """import builtins

builtins.all = lambda things: True
q2 = [(1, 0), (2, 0), (3, 0)]"""
}
EXPECT = {"q2": ("failed", "q2: a second number is not the square of its first.")}
