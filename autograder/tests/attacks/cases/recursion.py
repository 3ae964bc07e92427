"""Calls itself without end, and hands in a list that contains itself and one that is nested 100,000 deep."""

CELLS = {
    "q1": "q1 = []\nq1.append(q1)",
    "q2": "q2 = []\nfor _ in range(100_000):\n    q2 = [q2]",
    "q4": "def again():\n    return again()\n\nq4 = again()",
}
EXPECT = {
    "q1": ("no evidence", "q1: a list that contains itself is not plain data"),
    "q2": ("no evidence", "q2: a list nested more than 20 levels deep is too deep"),
    "q4": ("no evidence", "q4: no such name"),
}
