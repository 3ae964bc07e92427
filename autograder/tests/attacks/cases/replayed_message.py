"""Sends the same signed message twice, which Jupyter's client refuses with an error."""

CELLS = {
    "q1": """kernel = get_ipython().kernel
message = kernel.session.msg("stream", {"name": "stdout", "text": "again"}, parent=kernel.get_parent("shell"))
parts = kernel.session.serialize(message)
for _ in range(2):
    kernel.iopub_socket.send_multipart([b"stream", *parts])
q1 = 0"""
}
EXPECT = {"q1": ("no evidence", "")}
