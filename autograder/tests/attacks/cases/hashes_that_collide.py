"""Hands in a set of 2,000 numbers whose hashes are all alike, and compares slowly."""

CELLS = {"q1": "q1 = {(i << 61) - i for i in range(1, 2000)}"}
EXPECT = {"q1": ("failed", "q1: count the numbers in data.")}
