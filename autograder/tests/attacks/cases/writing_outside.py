"""Leaves a file outside the folder that the notebook runs in."""

CELLS = {
    "q1": """with open("@OUTSIDE@/left", "w") as left:
    left.write("here")
q1 = 12"""
}
EXPECT = {"q1": ("no evidence", "q1: no such name")}
