"""Has the grader quote what no text can hold: half characters, nulls, marks that turn the line round."""

CELLS = {
    "q1": "q1 = '\\ud800'",
    "q4": "q4 = '\\x00\\x1b[2J\\u202e\\r' * 20",
    "q5": "def square(x):\n    raise ValueError('\\ud800\\x00\\x1b[2J\\u202e\\r' * 20)",
}
EXPECT = {
    "q1": ("no evidence", "q1: a str with half a character"),
    "q4": ("failed", "is not the shape of data."),
    "q5": ("no evidence", "raised"),
}
