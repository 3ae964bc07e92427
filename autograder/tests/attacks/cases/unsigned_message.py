"""Sends a message without a valid signature, which Jupyter's client refuses with an error."""

CELLS = {
    "q1": """kernel = get_ipython().kernel
message = kernel.session.msg("stream", {"name": "stdout", "text": "unsigned"}, parent=kernel.get_parent("shell"))
parts = kernel.session.serialize(message)
parts[1] = b"0" * 64
kernel.iopub_socket.send_multipart([b"stream", *parts])
q1 = 0"""
}
EXPECT = {"q1": ("no evidence", "")}
