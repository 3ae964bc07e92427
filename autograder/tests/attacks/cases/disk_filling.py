"""Fills the disk, here with 200 MB."""

CELLS = {
    "q1": """with open("large", "wb") as large:
    for _ in range(200):
        large.write(bytes(1 << 20))
q1 = 12"""
}
GAIN = "not stopped"
EXPECT = {"q1": ("no evidence", "")}
LIMITS = {"scratch": 100 << 20}
