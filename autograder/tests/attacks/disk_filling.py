"""Fills the disk, here with 200 MB."""

CELLS = {
    "q1": """with open("large", "wb") as large:
    for _ in range(200):
        large.write(bytes(1 << 20))
q1 = 12"""
}
GAIN = "not stopped"
EXPECT = {"q1": ("no evidence", "")}
LIMITS = {"disk": 100 << 20}
NEEDS_SANDBOX = "nothing bounds what a kernel writes yet"
