"""Sends a message that is no JSON."""

CELLS = {
    "q1": """kernel = get_ipython().kernel
session, parent = kernel.session, kernel.get_parent("shell")
header = session.msg_header("stream")
parts = [session.pack(header), session.pack(parent["header"]), b"{}", b"not JSON"]
kernel.iopub_socket.send_multipart([b"stream", b"<IDS|MSG>", session.sign(parts), *parts])
q1 = 0"""
}
EXPECT = {"q1": ("no evidence", "")}
