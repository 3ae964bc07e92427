"""Prints 200 MB in one piece."""

CELLS = {"q1": "q1 = 12\nprint('x' * 200_000_000)"}
GAIN = "not stopped"
EXPECT = {"q1": ("no evidence", "output")}
