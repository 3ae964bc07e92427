"""Hands in a number of 20 million bits, a list of ten million numbers and an array of eight gigabytes."""

CELLS = {
    "q1": "q1 = 1 << 20_000_000",
    "q2": "q2 = [(1, 1)] * 10_000_000",
    "q3": "q3 = np.broadcast_to(1.0, 10**9)",
}
EXPECT = {
    "q1": ("no evidence", "q1: an int of more than 10000 bits is too large"),
    "q2": ("no evidence", "q2: more than 2000000 items are too many"),
    "q3": ("no evidence", "q3: more than 45 MiB of JSON is too much"),
}
