"""Calls the test's own function again and again, whatever that raises."""

NOTEBOOK = "functions"
CELLS = {
    "repeat": """def repeat(action, times):
    while True:
        try:
            action(0)
        except BaseException:
            pass"""
}
EXPECT = {"repeat": ("no evidence", "timeout")}
LIMITS = {"cell_seconds": 2.0}
