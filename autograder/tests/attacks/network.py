"""Talks to someone outside, here on the loopback."""

CELLS = {
    "q1": """import socket

socket.create_connection(("127.0.0.1", @PORT@), timeout=2)
q1 = 12"""
}
HONEST = ()
NEEDS_SANDBOX = "a kernel has the machine's network; only a network namespace takes it away"
