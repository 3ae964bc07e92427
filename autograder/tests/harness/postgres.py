"""A real PostgreSQL server for tests: started from the system's package, gone with all its files at the end."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

HOME = tempfile.gettempdir()  # not pytest's folder: a path of a socket is short, and the server's user must reach it
ROOT_USER = "nobody"  # PostgreSQL refuses to run as root
SORTED_BY_PEOPLE = ["--encoding=UTF8", "--locale-provider=icu", "--icu-locale=en-US"]  # a, B, c; SQLite has B, a, c
OLDEST = 15  # the first that can sort like that
IN_A_HURRY = "-c listen_addresses='' -c fsync=off -c synchronous_commit=off"


def programs() -> Path | None:
    """The folder of PostgreSQL's programs, the newest of Debian's and Ubuntu's packages; None where there are none."""
    found = {float(path.parts[-3]): path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")}
    newest = max(found, default=0)
    return found[newest] if newest >= OLDEST else None


needs_postgresql = pytest.mark.skipif(
    programs() is None, reason="no package of PostgreSQL 15 or newer here; `make ci` installs it"
)


@contextmanager
def postgresql_server() -> Iterator[str]:
    """A server that listens on a socket in a folder of its own; gives the address of its database `postgres`."""
    bin_folder = programs()
    assert bin_folder is not None, "mark the test with needs_postgresql"
    folder = Path(tempfile.mkdtemp(dir=HOME, prefix="pg-"))
    data = folder / "data"
    address = f"postgresql://grader@/postgres?host={folder}"
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, ROOT_USER)
        _run(folder, bin_folder / "initdb", "-D", data, "-U", "grader", "-A", "trust", "-N", *SORTED_BY_PEOPLE)
        start(address)
        try:
            yield address
        finally:
            stop(address)
    finally:
        shutil.rmtree(folder)


def start(address: str) -> None:
    """Start the server of an address that `postgresql_server` returned."""
    _control(address, "-o", f"{IN_A_HURRY} -k {_folder(address)}", "start")


def stop(address: str, mode: str = "immediate") -> None:
    """Stop the server: like a crash, or "fast", which keeps what was committed and ends all connections."""
    _control(address, "-m", mode, "stop")


def _folder(address: str) -> Path:
    return Path(address.partition("?host=")[2])


def _control(address: str, *words: str) -> None:
    bin_folder, folder = programs(), _folder(address)
    assert bin_folder is not None
    _run(folder, bin_folder / "pg_ctl", "-D", folder / "data", "-w", "-s", "-l", folder / "log", *words)


def _run(folder: Path, *command: str | Path) -> None:
    """Run one of its programs as a user whom it accepts."""
    who: dict[str, Any] = {"user": ROOT_USER, "extra_groups": ()} if os.geteuid() == 0 else {}
    done = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **who
    )
    assert done.returncode == 0, done.stderr.decode()
