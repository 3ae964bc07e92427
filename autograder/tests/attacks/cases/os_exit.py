"""Ends the kernel's process on the spot."""

CELLS = {"q3": "import os\n\nos._exit(0)"}
EXPECT = {"q3": ("no evidence", "crash")}
