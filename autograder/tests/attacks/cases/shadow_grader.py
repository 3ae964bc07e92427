"""Hands in a package autograder/ in place of the one that the hidden tests import from."""

NOTEBOOK = "3_gru"
FILES = {
    "autograder/__init__.py": "",
    "autograder/testing.py": "assert_parts = assert_answered = lambda *given, **named: 2",
    "autograder/rnn/__init__.py": "",
    "autograder/rnn/assertions.py": "assert_computed_by = assert_shapes = assert_same_values = assert_states = print",
}
CELLS = {"q9": "q9 = {'output': (3,), 'h': (3,)}"}
EXPECT = {"q9": ("failed", "output: you gave 1 axis, (3,); output has 2: the batch axis is missing.")}
