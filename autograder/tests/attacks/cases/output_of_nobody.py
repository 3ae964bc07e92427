"""Sends, for 75 seconds, messages of no cell as fast as it can, so that whoever reads them gets to nothing else."""

CELLS = {
    "q1": """import time

kernel = get_ipython().kernel
q1 = 12
end = time.monotonic() + 75
while time.monotonic() < end:
    kernel.session.send(kernel.iopub_socket, "stream", {"name": "stdout", "text": "x"}, parent={"msg_id": "?"})"""
}
GAIN = "not stopped"
EXPECT = {"q1": ("no evidence", "timeout")}
LIMITS = {"cell_seconds": 3.0}
