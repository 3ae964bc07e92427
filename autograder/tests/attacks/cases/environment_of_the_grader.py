"""Reads the environment of the process that started the kernel (here that is worth a right answer)."""

CELLS = {
    "q1": """import os

q1 = 12 if open(f"/proc/{os.getppid()}/environ").read() else 0"""
}
GAIN = "secret read"
EXPECT = {"q1": ("no evidence", "")}
