"""Answers, for 75 seconds, questions that nobody asked, so that whoever waits for an answer never sees time run out."""

CELLS = {
    "q1": """import time

kernel = get_ipython().kernel
ident, end = kernel._parent_ident["shell"], time.monotonic() + 75
while time.monotonic() < end:
    kernel.session.send(kernel.shell_stream.socket, "execute_reply", {}, parent={"msg_id": "?"}, ident=ident)
q1 = 12"""
}
GAIN = "not stopped"
EXPECT = {"q1": ("no evidence", "timeout")}
LIMITS = {"cell_seconds": 3.0}
