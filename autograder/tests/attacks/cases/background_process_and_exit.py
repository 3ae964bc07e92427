"""Leaves a process running in the kernel's process group, and ends the kernel before anyone else can."""

CELLS = {
    "q1": """import os
import subprocess

subprocess.Popen(["sleep", "20", "@MARK@"])
os._exit(0)"""
}
EXPECT = {"q1": ("no evidence", "crash")}
