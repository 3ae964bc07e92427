"""Prints 200 MB in one piece (the answer before it stands)."""

CELLS = {"q1": "q1 = 12\nprint('x' * 200_000_000)"}
GAIN = "not stopped"
EXPECT = {"q1": ("passed", "", 3.0)}
