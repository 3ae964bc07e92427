"""Leaves a thread running that prints without end once its cell is done."""

CELLS = {
    "q1": """import threading
import time

def chatter():
    time.sleep(0.3)
    while True:
        print("x" * 1000)

threading.Thread(target=chatter, daemon=True).start()
q1 = 12""",
    "q2": "time.sleep(0.5)\nq2 = [(1, 1), (2, 4), (3, 9)]",
}
HONEST = ("q1",)
