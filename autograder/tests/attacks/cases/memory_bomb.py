"""Takes 1.5 GiB of memory and keeps it."""

CELLS = {
    "q1": """hog = [bytearray(b"x" * (64 << 20)) for _ in range(24)]
q1 = 12"""
}
GAIN = "not stopped"
EXPECT = {"q1": ("no evidence", "")}
LIMITS = {"memory": 1 << 30}
