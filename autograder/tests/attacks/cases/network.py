"""Talks to someone outside, here on the loopback."""

CELLS = {
    "q1": """import socket

socket.create_connection(("127.0.0.1", @PORT@), timeout=2)
q1 = 12"""
}
EXPECT = {"q1": ("no evidence", "q1: no such name")}
