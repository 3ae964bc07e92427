"""Sends 200 MB of widgets' messages, which are no output and yet must be read."""

CELLS = {
    "q1": """kernel = get_ipython().kernel
q1 = 12
for i in range(200):
    content = {"comm_id": str(i), "data": {"state": {"x": "x" * 10**6}}}
    kernel.session.send(kernel.iopub_socket, "comm_msg", content, parent=kernel.get_parent("shell"))"""
}
GAIN = "not stopped"
EXPECT = {"q1": ("no evidence", "output")}
