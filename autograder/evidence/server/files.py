"""Find, send and write the files that the notebook and the test share; both sides do it."""

import contextlib
import pathlib
from typing import Any

FILES = 16 * 2**20  # bytes of the notebook's files that are sent


def files_of(folder: Any) -> Any:
    """Return the time and the size of each file below the working folder and `folder`; a folder's path ends in `/`."""
    found: dict[str, tuple[int, int]] = {}
    for root in (pathlib.Path(), pathlib.Path(folder)):
        for path in sorted(root.rglob("*")):
            with contextlib.suppress(OSError):  # removed just now, or a link to nothing
                about = path.stat()
                name = path.as_posix() + ("/" if path.is_dir() else "")
                found[name] = (0, 0) if path.is_dir() else (about.st_mtime_ns, about.st_size)
    return found


def changed_files(before: Any, folder: Any) -> Any:
    """Return what has changed, by path: contents, or None for a file that is gone; and what is there now.

    Of files that are too large together, some are left out.
    """
    now, size = files_of(folder), 0
    changes: dict[str, Any] = dict.fromkeys(before.keys() - now.keys())
    for name, about in now.items():
        size += about[1]
        if before.get(name) != about and size <= FILES:
            with contextlib.suppress(OSError):
                changes[name] = b"" if name.endswith("/") else pathlib.Path(name).read_bytes()
    return changes, now


def write_files(files: Any) -> None:
    """Write files and folders, and remove those whose content is None."""
    for name, content in files.items():
        path = pathlib.Path(name)
        with contextlib.suppress(OSError):  # a folder that does not exist here
            if content is None:
                path.rmdir() if name.endswith("/") else path.unlink()
            elif name.endswith("/"):
                path.mkdir(parents=True, exist_ok=True)
            elif type(content) is bytes:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
