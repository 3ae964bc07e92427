"""Writes its own version of the tests' helpers into the folder that the judge imports them from."""

CELLS = {
    "q3": """import os
from pathlib import Path

for task in Path(f"/proc/{os.getppid()}/task").glob("*/children"):
    for child in task.read_text().split():
        command = Path(f"/proc/{child}/cmdline").read_text().split("\\0")
        if "autograder.judging.worker" in command:
            folder = Path(command[command.index("autograder.judging.worker") + 1])
            (folder / "tools.py").write_text("same = lambda a, b: True")
q3 = np.zeros(4)"""
}
EXPECT = {"q3": ("failed", "q3: these are not the means of the columns.")}
