"""A small process that forks for a test: its forks cost less than those of a process that has loaded all tests.

It runs as a program, and prints nothing. Its arguments are a descriptor and the modules to load. A request is the
folder to work in; with it comes the descriptor of a socket, over which the fork is told what to do. There is one
process for each set of modules: a fork takes twice the time if all libraries are loaded, and most tests need none.
"""

import atexit
import contextlib
import functools
import gc
import importlib
import os
import signal
import socket
import subprocess
import sys
import warnings
from collections.abc import Collection

MAX_REQUEST = 1 << 16


@functools.cache
def server(modules: frozenset[str]) -> socket.socket:
    """Start the process for these modules, which ends with this one; return the socket for requests."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        program = [sys.executable, "-P", __file__, str(theirs.fileno()), *sorted(modules)]
        # it ends by itself, so nobody waits for it
        subprocess.Popen(program, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL).returncode = 0
    atexit.register(ours.close)
    return ours


def fork(folder: str, modules: Collection[str]) -> socket.socket:
    """Fork a local kernel that works in a folder; return the socket to it. It closes its end when it ends."""
    ours, theirs = socket.socketpair()
    with theirs:
        socket.send_fds(server(frozenset(modules)), [folder.encode()], [theirs.fileno()])
    return ours


def main() -> None:
    """Fork for each request until the client ends."""
    import numpy.random  # noqa: F401 - whoever serves objects looks there

    import autograder.evidence.encoder_pandas  # noqa: F401
    from autograder.kernels.forks import compact
    from autograder.tests.harness.local_kernel import be_kernel

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a fork
    warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks beside threads
    for module in sys.argv[2:]:
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    gc.collect()
    gc.freeze()
    compact()
    with socket.socket(fileno=int(sys.argv[1])) as requests:
        while True:
            folder, descriptors, _, _ = socket.recv_fds(requests, MAX_REQUEST, 1)
            if not folder:
                return
            if os.fork() == 0:
                requests.close()
                be_kernel(socket.socket(fileno=descriptors[0]), folder.decode())
            os.close(descriptors[0])


if __name__ == "__main__":
    main()
