"""Loops for ever in Python, whatever is raised there."""

CELLS = {
    "q3": """while True:
    try:
        while True:
            pass
    except BaseException:
        pass"""
}
EXPECT = {"q3": ("no evidence", "timeout")}
LIMITS = {"cell_seconds": 2.0}
