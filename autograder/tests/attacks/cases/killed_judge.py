"""Leaves a process running that kills the judge whenever there is one."""

CELLS = {
    "q1": """import os
import subprocess
import sys

killer = '''
import os, pathlib, signal, sys, time
for _ in range(2000):
    time.sleep(0.002)
    for task in pathlib.Path(f"/proc/{sys.argv[1]}/task").glob("*/children"):
        for child in task.read_text().split():
            try:
                if b"judging.worker" in pathlib.Path(f"/proc/{child}/cmdline").read_bytes():
                    os.kill(int(child), signal.SIGKILL)
            except OSError:
                pass
'''
command = [sys.executable, "-c", killer, str(os.getppid()), "@MARK@"]
subprocess.Popen(command, start_new_session=True)
q1 = 0"""
}
EXPECT = {"q1": ("failed", "q1: count the numbers in data.")}
