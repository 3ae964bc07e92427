"""Sends, at the start of every later cell, a result of 3.0 in that cell's name: nbgrader takes it for the points."""

CELLS = {
    "q1": """kernel = get_ipython().kernel

def credit(info):
    content = {"data": {"text/plain": "3.0"}, "metadata": {}, "execution_count": 1}
    kernel.session.send(kernel.iopub_socket, "execute_result", content, parent=kernel.get_parent("shell"))

get_ipython().events.register("pre_run_cell", credit)
q1 = 0"""
}
EXPECT = {"q1": ("failed", "q1: count the numbers in data.")}
