"""Loops for ever in C, where Python never gets to look at a signal."""

CELLS = {"q3": "q3 = max(range(10**15))"}
EXPECT = {"q3": ("no evidence", "timeout")}
LIMITS = {"cell_seconds": 2.0}
