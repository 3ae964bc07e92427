"""Answers for its own cell with a reply that says nothing."""

CELLS = {
    "q1": """kernel = get_ipython().kernel
ident, parent = kernel._parent_ident["shell"], kernel.get_parent("shell")
kernel.session.send(kernel.shell_stream.socket, "execute_reply", {}, parent=parent, ident=ident)
q1 = 0"""
}
EXPECT = {"q1": ("no evidence", "")}
