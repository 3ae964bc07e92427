"""Linux system calls that Python's standard library does not have. Errors are raised as OSError."""

import ctypes
import os
import struct
from pathlib import Path

NEWNS, NEWCGROUP, NEWUTS, NEWIPC = 0x20000, 0x02000000, 0x04000000, 0x08000000
NEWUSER, NEWPID, NEWNET = 0x10000000, 0x20000000, 0x40000000
RDONLY, NOSUID, NODEV, NOEXEC, REMOUNT, BIND, REC, PRIVATE = 1, 2, 4, 8, 32, 4096, 16384, 1 << 18
PDEATHSIG, SET_DUMPABLE, SET_SECCOMP, CAPBSET_DROP, NO_NEW_PRIVS = 1, 4, 22, 24, 38
CAPABILITY_VERSION_3 = 0x20080522
FILTER_MODE = 2
COLLAPSE = 25

libc = ctypes.CDLL(None, use_errno=True)


def unshare(flags: int) -> None:
    """Move this process into new namespaces."""
    _check(libc.unshare(flags))


def prctl(option: int, first: int = 0, second: int = 0) -> None:
    """Set a property of this process."""
    _check(libc.prctl(option, ctypes.c_ulong(first), ctypes.c_ulong(second), ctypes.c_ulong(0), ctypes.c_ulong(0)))


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mount a file system, or bind or remount a folder, depending on the flags."""
    texts = [text.encode() or None for text in (source, target, kind)]
    _check(libc.mount(*texts, ctypes.c_ulong(flags), options.encode() or None))


def drop_capabilities() -> None:
    """Drop all capabilities permanently."""
    prctl(NO_NEW_PRIVS, 1)
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    for capability in range(last + 1):
        prctl(CAPBSET_DROP, capability)
    _check(libc.capset(struct.pack("Ii", CAPABILITY_VERSION_3, 0), bytes(24)))


def load_filter(program: bytes) -> None:
    """Apply a seccomp program to this process and its future children. Each instruction has eight bytes."""
    buffer = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    _check(libc.prctl(SET_SECCOMP, FILTER_MODE, head, 0, 0))


def _check(result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def collapse(start: int, size: int) -> None:
    """Move memory of this process into huge pages; raise OSError if Linux cannot (it needs version 6.1)."""
    _check(libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(size), COLLAPSE))


def setns(descriptor: int, kind: int) -> None:
    """Move this process into an open namespace of a kind."""
    _check(libc.setns(descriptor, kind))
