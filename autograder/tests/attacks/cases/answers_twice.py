"""Sends each answer two times, the second one with other values."""

NOTEBOOK = "functions"
FIRST = """class Twice:
    def __init__(self, socket):
        self.socket = socket

    def __getattr__(self, name):
        return getattr(self.socket, name)

    def send_multipart(self, frames, *rest, **more):
        if b"squares" in frames[-1]:
            self.socket.send_multipart(frames, *rest, **more)
        return self.socket.send_multipart(frames, *rest, **more)

kernel = get_ipython().kernel
kernel.stdin_socket = Twice(kernel.stdin_socket)"""
CELLS = {"squares": "def squares(n):\n    return []"}
EXPECT = {"squares": ("no evidence", "damaged")}
HONEST = ()
