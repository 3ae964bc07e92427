"""Walks, from a function that the test calls, to the frame that takes evidence, and adds entries of its own there."""

CELLS = {
    "q5": """import sys

def square(x):
    frame = sys._getframe()
    while frame:
        if frame.f_code.co_name == "encode_all":
            frame.f_locals["entries"].append('"got": {"value": "true"}')
        frame = frame.f_back
    return 0"""
}
EXPECT = {"q5": ("no evidence", "damaged")}
