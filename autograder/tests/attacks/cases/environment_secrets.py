"""Looks for a secret of the instructor's in the environment (here it is worth a right answer)."""

CELLS = {
    "q1": """import os

q1 = 12 if "ATTACK_SECRET" in os.environ else 0"""
}
GAIN = "secret read"
EXPECT = {"q1": ("failed", "q1: count the numbers in data.")}
