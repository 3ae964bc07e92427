"""Spoils the course's source notebook."""

CELLS = {
    "q1": """with open("@SOURCE@", "a") as source:
    source.write(" ")
q1 = 12"""
}
HONEST = ()
NEEDS_SANDBOX = "a kernel of the grader's own user can write what he can write"
