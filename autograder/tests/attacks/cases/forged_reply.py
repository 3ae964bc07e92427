"""Answers for every later cell that it ran well and is done, before it has run."""

CELLS = {
    "q5": """kernel = get_ipython().kernel

def done(info):
    parent = kernel.get_parent("shell")
    content = {"status": "ok", "execution_count": 1, "payload": [], "user_expressions": {}}
    ident = kernel._parent_ident["shell"]
    kernel.session.send(kernel.shell_stream.socket, "execute_reply", content, parent=parent, ident=ident)
    kernel.session.send(kernel.iopub_socket, "status", {"execution_state": "idle"}, parent=parent)

def square(x):
    return 0

get_ipython().events.register("pre_run_cell", done)"""
}
EXPECT = {"q5": ("no evidence", "damaged")}
