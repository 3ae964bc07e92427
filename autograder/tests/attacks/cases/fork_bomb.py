"""Starts 200 processes."""

CELLS = {
    "q1": """import subprocess

children = [subprocess.Popen(["sleep", "20", "@MARK@"]) for _ in range(200)]
q1 = 12"""
}
GAIN = "not stopped"
EXPECT = {"q1": ("no evidence", "")}
LIMITS = {"processes": 100}
