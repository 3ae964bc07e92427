"""Starts a thread that, a moment later, holds Python's lock for ever: other cells seem to be the slow ones."""

CELLS = {
    "q1": """import threading

threading.Timer(0.3, lambda: max(range(10**15))).start()
q1 = 12""",
    "q2": "import time\n\ntime.sleep(0.5)\nq2 = [(1, 1), (2, 4), (3, 9)]",
}
EXPECT = {"q2": ("no evidence", "timeout")}
HONEST = ("q1",)
LIMITS = {"cell_seconds": 2.0, "fresh_kernels": 1}
