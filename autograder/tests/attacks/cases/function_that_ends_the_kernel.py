"""Ends the kernel from within a function that a test calls."""

NOTEBOOK = "functions"
CELLS = {"squares": "def squares(n):\n    import os\n    os._exit(0)"}
EXPECT = {"squares": ("no evidence", "crash")}
