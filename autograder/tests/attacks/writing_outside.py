"""Leaves a file outside the folder that the notebook runs in."""

CELLS = {
    "q1": """with open("@OUTSIDE@/left", "w") as left:
    left.write("here")
q1 = 12"""
}
HONEST = ()
NEEDS_SANDBOX = "a kernel of the grader's own user can write what he can write"
