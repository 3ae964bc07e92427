"""Kernels that start in a fork of a process with modules loaded, and that can reach nothing.

Any Jupyter tool uses them by name: the kernelspec `autograder` says which provisioner starts them. What crosses a wall:

    provisioner ──(one connection a kernel: request, signals, how it ended)──▶ zygote ──▶ supervisor ──▶ kernel
    in Jupyter's own process                                                   in bubblewrap, no network, read-only

`host` knows this machine: bubblewrap, and what of the file system is shown. `zygote` serves, `sandbox` locks one fork
in, `supervisor` watches it from outside; `cold` is the other shape, a bubblewrap a kernel, where namespaces do not
nest. `interior` starts IPython's kernel inside. Nothing here knows of notebooks or grading, and inside the sandbox this
folder is all of the package that can be seen.
"""
