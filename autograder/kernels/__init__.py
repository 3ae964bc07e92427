"""Jupyter kernels in a sandbox: a kernel starts as a fork of a process with modules loaded, and has no access outside.

Any Jupyter tool can use them by name: the kernelspec `autograder` names their provisioner. This is what crosses a wall:

    provisioner ──(one connection per kernel: request, order to end, result)──▶ zygote ──▶ supervisor ──▶ kernel
    in Jupyter's own process                                                   in bubblewrap, no network, read-only

`launcher` finds or starts a server, and `connection` is a client's connection to it. `bubblewrap` knows this machine:
the program, and which files are visible. `zygote` serves, `sandbox` confines one fork, `supervisor` watches it from
outside. `cold` is the other shape: one bubblewrap for each kernel, where namespaces do not nest. `ipython_kernel`
starts IPython's kernel inside. `checkpoint` asks the zygote for processes that have run a notebook's first cells;
kernels that go on from one have one socket in place of Jupyter's channels (`direct_kernel`), so only the grader can use
them. Nothing here knows notebooks or grading. Inside the sandbox, this folder is the only visible part of the package.
"""
