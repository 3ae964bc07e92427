"""Leaves a process running in the kernel's own process group."""

CELLS = {
    "q1": """import subprocess

subprocess.Popen(["sleep", "20", "@MARK@"])
q1 = 12"""
}
