"""Leaves a process running in a session of its own, where no signal to the kernel's group finds it."""

CELLS = {
    "q1": """import subprocess

subprocess.Popen(["sleep", "20", "@MARK@"], start_new_session=True)
q1 = 12"""
}
