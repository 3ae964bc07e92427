"""Leaves a thread that answers the requests of later tests, while the kernel serves these."""

NOTEBOOK = "functions"
CELLS = {
    "squares": """import json
import threading
import time

def answer():
    for _ in range(3000):
        time.sleep(0.001)
        message = {"n": "1", "heap": [], "refs": {}, "printed": "", "value": 7 / 3}
        kernel = get_ipython().kernel
        kernel.session.send(kernel.stdin_socket, "input_request",
                            {"prompt": json.dumps(message), "password": False}, kernel.get_parent(), ident=identity)

kernel = get_ipython().kernel
identity = kernel._parent_ident["shell"] if isinstance(kernel._parent_ident, dict) else kernel._parent_ident
threading.Thread(target=answer, daemon=True).start()

def squares(n):
    return []"""
}
EXPECT = {"squares": ("failed", "")}
HONEST = ()
