"""Hands in a package autograder/ in place of the one that the hidden tests import from."""

NOTEBOOK = "3_gru"
FILES = {
    "autograder/__init__.py": "",
    "autograder/oracle.py": "lstm = gru = None",
    "autograder/expect.py": "answered = right = recurrence = words = array = lambda *given, **named: None",
}
CELLS = {"q9": "q9 = {'output': (3,), 'h': (3,)}"}
EXPECT = {"q9": ("failed", "output: you gave 1 axis, (3,); output has 2: the batch axis is missing.")}
