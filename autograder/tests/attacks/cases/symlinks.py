"""Hands in a link to the solution, for the grader to follow, and reads what it got."""

SYMLINKS = {"hint.txt": "@SOURCE@"}
CELLS = {
    "q1": """import json

cells = json.load(open("hint.txt"))["cells"]
exec("".join(next(cell["source"] for cell in cells if cell["id"] == "q1")))"""
}
EXPECT = {"q1": ("not attempted", "not answered.")}
