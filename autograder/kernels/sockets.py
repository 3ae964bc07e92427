"""Measure the memory that Linux holds for the sockets of a network namespace. No process owns it.

Theory of operation. What was sent and not read yet counts for no process, and a notebook can open thousands of sockets.
Linux reports the memory of each socket of the namespace through a netlink socket (sock_diag). A socket whose peer is
closed can hold what the peer sent, which is then reported nowhere; it counts as full. If Linux lacks one of these
reports, such sockets are not counted; the machine's own memory is watched as well (see `supervisor`).
"""

import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from autograder.kernels.linux import NEWNET, NEWUSER, setns

SOCK_DIAG, BY_FAMILY, DONE, ERROR = 4, 20, 3, 2  # numbers of <linux/netlink.h> and <linux/sock_diag.h>
REQUEST_DUMP = 0x301
ALL = 0xFFFFFFFF
ALIGN = 4
HEAD = struct.Struct("=IHHII")
ATTRIBUTE = struct.Struct("=HH")
UNIX, NETLINK, INET, INET6 = 1, 16, 2, 10
TCP, UDP = 6, 17
UNIX_PEER, UNIX_QUEUE, UNIX_MEMORY = 2, 4, 5  # attributes of a Unix socket
GET_OWNER = 0xB701  # NS_GET_USERNS: the user namespace that a namespace belongs to
TIMEOUT = 1.0  # seconds
SIZE = 1 << 16


def _internet(family: int, protocol: int) -> tuple[bytes, int, int]:
    asked = struct.pack("=BBBxI", family, protocol, 1 << 6, ALL)
    return asked + bytes(48), 72, 7


# A request, the length of the answer's fixed part, and the attribute with the memory.
QUESTIONS = (
    (struct.pack("=BBHIIIII", UNIX, 0, 0, ALL, 0, 0x20 | 0x10 | 0x4, ALL, ALL), 16, UNIX_MEMORY),
    (struct.pack("=BBHIIII", NETLINK, 0xFF, 0, 0, 1, ALL, ALL), 28, 0),
    *(_internet(family, protocol) for family in (INET, INET6) for protocol in (TCP, UDP)),
)


def enter_network(process: int) -> None:
    """Move this process into the network namespace of another one; raise OSError if it may not."""
    network = os.open(f"/proc/{process}/ns/net", os.O_RDONLY)
    try:
        owner = fcntl.ioctl(network, GET_OWNER)
        if not os.path.sameopenfile(owner, own := os.open("/proc/self/ns/user", os.O_RDONLY)):
            setns(owner, NEWUSER)
        os.close(own)
        os.close(owner)
        setns(network, NEWNET)
    finally:
        os.close(network)


class Sockets:
    """The sockets of this process's network namespace, as it is now. None are seen if Linux has no such reports."""

    def __init__(self) -> None:
        self.asks: socket.socket | None = None
        with suppress(OSError):
            self.asks = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, SOCK_DIAG)
            self.asks.settimeout(TIMEOUT)
        self.full = 2 * int(_number("/proc/sys/net/core/wmem_max") or 212_992)

    def bytes_used(self) -> int:
        """Return the bytes that Linux holds for all sockets."""
        total = 0
        for question, length, attribute in QUESTIONS if self.asks else ():
            with suppress(OSError):
                total += sum(self._size(found, attribute) for found in self._ask(question, length))
        return total

    def close(self) -> None:
        """Stop asking."""
        if self.asks:
            self.asks.close()
            self.asks = None

    def _ask(self, question: bytes, length: int) -> Iterator[dict[int, bytes]]:
        """Yield the attributes of each socket."""
        assert self.asks is not None
        self.asks.send(HEAD.pack(HEAD.size + len(question), BY_FAMILY, REQUEST_DUMP, 0, 0) + question)
        while True:
            content = self.asks.recv(SIZE)
            while len(content) >= HEAD.size:
                size, kind, *_ = HEAD.unpack_from(content)
                if kind in (DONE, ERROR):
                    return
                yield dict(_attributes(content[HEAD.size + length : size]))
                content = content[max(HEAD.size, -(-size // ALIGN) * ALIGN) :]

    def _size(self, found: dict[int, bytes], attribute: int) -> int:
        """Return the bytes of one socket: received, to be sent, and put aside for it."""
        numbers = struct.unpack(f"={len(found.get(attribute, b'')) // 4}I", found.get(attribute, b""))
        size = sum(int(numbers[place]) for place in (0, 2, 4) if place < len(numbers))
        waits = attribute == UNIX_MEMORY and any(found.get(UNIX_QUEUE, b"")[:4])
        return size + (self.full if waits and not any(found.get(UNIX_PEER, b"")) else 0)


def _attributes(content: bytes) -> Iterator[tuple[int, bytes]]:
    while len(content) >= ATTRIBUTE.size:
        size, kind = ATTRIBUTE.unpack_from(content)
        if size < ATTRIBUTE.size:
            return
        yield kind, content[ATTRIBUTE.size : size]
        content = content[-(-size // ALIGN) * ALIGN :]


def _number(path: str) -> str:
    with suppress(OSError):
        return Path(path).read_text().strip()
    return ""
