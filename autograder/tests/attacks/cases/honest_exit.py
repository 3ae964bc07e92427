"""Is right, and has left an `exit()` in a cell."""

CELLS = {"q3": "q3 = data.mean(axis=0)\nexit()"}
HONEST = ("q1", "q2", "q4", "q5", "why")
