"""Prints 200 MB in small pieces."""

CELLS = {"q1": "q1 = 12\nfor _ in range(200_000):\n    print('x' * 1000)"}
GAIN = "not stopped"
EXPECT = {"q1": ("no evidence", "output")}
