"""Spoils the course's source notebook."""

CELLS = {
    "q1": """with open("@SOURCE@", "a") as source:
    source.write(" ")
q1 = 12"""
}
EXPECT = {"q1": ("no evidence", "q1: no such name")}
