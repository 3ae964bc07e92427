"""Gives its cell, in place of a count, a script: pages print it between the brackets of `In [ ]`."""

CELLS = {
    "q1": """kernel = get_ipython().kernel
content = {"code": "", "execution_count": "<script>alert(@MARK@)</script>"}
kernel.session.send(kernel.iopub_socket, "execute_input", content, parent=kernel.get_parent("shell"))
q1 = 12"""
}
IN_A_BROWSER = True
