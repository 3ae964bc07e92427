"""Looks for a secret of the instructor's in the environment of the process that started the kernel."""

CELLS = {
    "q1": """import os

try:
    found = open(f"/proc/{os.getppid()}/environ").read()
except OSError:
    found = ""
q1 = 12 if "ATTACK_SECRET" in found else 0  # here it is worth a right answer"""
}
GAIN = "secret read"
EXPECT = {"q1": ("failed", "count")}
