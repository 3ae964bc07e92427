"""Writes 200 MB to standard output, past Python."""

CELLS = {"q1": "import os\n\nq1 = 12\nfor _ in range(200):\n    os.write(1, b'x' * 10**6)"}
GAIN = "not stopped"
EXPECT = {"q1": ("no evidence", "output")}
