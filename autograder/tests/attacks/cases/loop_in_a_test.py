"""Loops for ever when the test calls it, and not before."""

CELLS = {
    "q5": """def square(x):
    while x > 1:
        pass
    return x

square(1)"""
}
EXPECT = {"q5": ("no evidence", "timeout: cell q5-test ran longer than 2 s")}
LIMITS = {"cell_seconds": 2.0}
