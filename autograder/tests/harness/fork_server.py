"""A small process that forks for a test: its forks cost less than those of a process that has loaded all tests.

It runs as a program, and prints nothing. A request is the folder to work in, and the modules to load before, in JSON;
with it comes the descriptor of a socket, over which the fork is told what to do.
"""

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import warnings
from collections.abc import Collection

MAX_REQUEST = 1 << 16


@functools.cache
def server() -> socket.socket:
    """Start the process, which ends with this one; return the socket for requests."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        program = [sys.executable, "-P", __file__, str(theirs.fileno())]
        # it ends by itself, so nobody waits for it
        subprocess.Popen(program, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL).returncode = 0
    atexit.register(ours.close)
    return ours


def fork(folder: str, modules: Collection[str]) -> socket.socket:
    """Fork a local kernel that works in a folder; return the socket to it. It closes its end when it ends."""
    ours, theirs = socket.socketpair()
    with theirs:
        socket.send_fds(server(), [json.dumps([folder, sorted(modules)]).encode()], [theirs.fileno()])
    return ours


def main() -> None:
    """Fork for each request until the client ends."""
    import numpy.random  # noqa: F401 - whoever serves objects looks there

    import autograder.evidence.encoder_pandas  # noqa: F401
    from autograder.kernels.forks import compact
    from autograder.tests.harness.local_kernel import be_kernel

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for a fork
    warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of forks beside threads
    with socket.socket(fileno=int(sys.argv[1])) as requests:
        loaded: set[str] = set()
        while True:
            message, descriptors, _, _ = socket.recv_fds(requests, MAX_REQUEST, 1)
            if not message:
                return
            folder, modules = json.loads(message)
            if new := {"gc", *modules} - loaded:
                for module in new:
                    with contextlib.suppress(ImportError):
                        importlib.import_module(module)
                loaded |= new
                gc.collect()
                gc.freeze()
                compact()
            if os.fork() == 0:
                requests.close()
                be_kernel(socket.socket(fileno=descriptors[0]), folder)
            os.close(descriptors[0])


if __name__ == "__main__":
    main()
