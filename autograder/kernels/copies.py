"""Copy folders into and inside a sandbox: links stay links, and nothing is copied that never ends."""

import os
import shutil
import stat
from pathlib import Path


def copy_folder(source: Path, target: Path, most: int) -> None:
    """Copy a folder, links as links.

    Raises:
        OSError: It has more than `most` bytes.
    """
    left = most

    def copy(one: str, other: str) -> None:
        nonlocal left
        left -= os.lstat(one).st_size
        if left < 0:
            raise OSError(f"{source}: larger than {most >> 20} MiB; start the notebook in a smaller folder.")
        shutil.copy2(one, other, follow_symlinks=False)

    shutil.copytree(source, target, symlinks=True, copy_function=copy, ignore=_special, dirs_exist_ok=True)


def _special(folder: str, names: list[str]) -> list[str]:
    """Return what is not a file, folder or link: copying a pipe would never end."""
    return [name for name in names if not _is_plain(Path(folder, name).lstat().st_mode)]


def _is_plain(mode: int) -> bool:
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode)
