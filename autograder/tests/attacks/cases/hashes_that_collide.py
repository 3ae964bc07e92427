"""Hands in a set of 2,000 numbers whose hashes are all alike, and compares slowly."""

CELLS = {"q1": "q1 = {(i << 61) - i for i in range(1, 2000)}"}
EXPECT = {"q1": ("no evidence", "q1: the answer could not be read (too many keys with one hash)")}
