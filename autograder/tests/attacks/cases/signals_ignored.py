"""Loops for ever, deaf to every signal that can be ignored."""

CELLS = {
    "q3": """import signal

for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, signal.SIG_IGN)
while True:
    pass"""
}
EXPECT = {"q3": ("no evidence", "timeout")}
LIMITS = {"cell_seconds": 2.0}
