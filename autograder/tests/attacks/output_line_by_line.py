"""Prints 200 MB in small pieces before it answers."""

CELLS = {"q1": "for _ in range(200_000):\n    print('x' * 1000)\nq1 = 12"}
GAIN = "not stopped"
EXPECT = {"q1": ("no evidence", "output")}
