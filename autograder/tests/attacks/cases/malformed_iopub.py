"""Sends messages that lack what such messages have, to trip up the client that reads them."""

CELLS = {
    "q1": """kernel = get_ipython().kernel
error = {"ename": 5, "evalue": None, "traceback": 5}
for kind, content in [("stream", {}), ("display_data", {"data": 5, "metadata": 5}), ("error", error), ("status", {})]:
    kernel.session.send(kernel.iopub_socket, kind, content, parent=kernel.get_parent("shell"))
q1 = 0"""
}
EXPECT = {"q1": ("no evidence", "")}
