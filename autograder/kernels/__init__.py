"""Jupyter kernels in a sandbox: a kernel starts as a fork of a process with modules loaded, and has no access outside.

Any Jupyter tool can use them by name: the kernelspec `autograder` names their provisioner. This is what crosses a wall:

    provisioner ──(one connection per kernel: request, order to end, result)──▶ zygote ──▶ supervisor ──▶ kernel
    in Jupyter's own process                                                   in bubblewrap, no network, read-only

`launcher` finds or starts a server. `bubblewrap` knows this machine: the program, and which files are visible.
`zygote` serves, `sandbox` confines one fork, `supervisor` watches it from outside. `cold` is the other shape: one
bubblewrap for each kernel, where namespaces do not nest. `ipython_kernel` starts IPython's kernel inside. Nothing here
knows notebooks or grading. Inside the sandbox, this folder is the only visible part of the package.
"""
