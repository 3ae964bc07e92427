"""Write files atomically, replace folders by renaming, write zip archives, find temporary folders, compute digests.

Another process sees the complete old content or the complete new content, even if the writing process is killed.
"""

import errno
import hashlib
import io
import os
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from autograder.errors import CourseError

# How the names of temporary folders start. Those of sockets are short, because a socket's path has at most 107 bytes.
SERVERS, KERNEL, JUDGE, JUDGED_FILES, REVIEW = TEMPORARY = (
    "ag-",
    "k-",
    "autograder-judge-",
    "autograder-test-",
    "autograder-review-",
)
MAX_TEMPORARY = 70  # bytes of the path of a folder for folders of sockets
SHORT_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")
DISK_PROBLEMS = {
    errno.ENOSPC: "the disk is full; free some space",
    getattr(errno, "EDQUOT", errno.ENOSPC): "your share of the disk is used up; free some space",
    errno.EROFS: "the disk is read-only; make it writable, or use a copy elsewhere",
}
STAMP = (1980, 1, 1, 0, 0, 0)  # the date of every file in an archive, so that equal files make equal archives


def write_atomically(path: Path, data: bytes | str) -> None:
    """Write a file atomically: write `NAME.part` in the same folder, then rename it.

    Args:
        path: The file; its folder must exist.
        data: Its content. Text is encoded as UTF-8; line endings are not changed.

    Raises:
        OSError: The file cannot be written. An older file is unchanged, and no `.part` file remains.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_bytes(data.encode() if isinstance(data, str) else data)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def replace_folder(new: Path, place: Path) -> None:
    """Replace the folder `place` by the folder `new`, and delete the old one.

    Both must be on the same disk. The old folder is renamed to `.NAME.old` until the new one is in place.

    Raises:
        OSError: The folder cannot be moved. The old folder is still in place.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    old = place.with_name(f".{place.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        place.rename(old)
    try:
        new.rename(place)
    except OSError:
        if old.exists():
            old.rename(place)
        raise
    shutil.rmtree(old, ignore_errors=True)


def copy_into_place(new: Path, place: Path) -> None:
    """Copy the folder `new`, which may be on another disk, to `place`, and replace what is there only then.

    Raises:
        OSError: The folder cannot be copied. What was at `place` is still there.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{place.name}.", dir=place.parent) as folder:
        replace_folder(Path(shutil.copytree(new, Path(folder, place.name))), place)


def write_zip(path: Path, files: Mapping[str, bytes]) -> None:
    """Write a zip archive from a mapping of names to contents; equal files make equal archives.

    Creates the archive's folder if it is missing. Raises OSError as `write_atomically` does.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, STAMP), content, zipfile.ZIP_DEFLATED)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, buffer.getvalue())


def temporary_prefix(kind: str) -> str:
    """Return how the name of a temporary folder of this process starts, so that `sweep` finds its owner.

    Args:
        kind: One of `TEMPORARY`.
    """
    return f"{kind}{os.getpid()}-"


def sweep() -> None:
    """Remove the temporary folders of processes that were killed, and so could not remove them."""
    import psutil  # only a process that starts kernels needs it

    places = {Path(tempfile.gettempdir()), short_temporary_folder()}
    for folder in [folder for place in places for kind in TEMPORARY for folder in place.glob(f"{kind}*-*")]:
        owner = next(folder.name.removeprefix(kind) for kind in TEMPORARY if folder.name.startswith(kind))
        number = owner.partition("-")[0]
        if number.isdecimal() and not psutil.pid_exists(int(number)):
            shutil.rmtree(folder, ignore_errors=True)


def short_temporary_folder() -> Path:
    """Return the folder for temporary files, or another one if its path is too long for the paths of sockets.

    Raises:
        CourseError: There is no such folder.
    """
    usual = tempfile.gettempdir()
    for place in (usual, *SHORT_FOLDERS):
        if len(os.fsencode(place)) <= MAX_TEMPORARY and os.access(place, os.W_OK | os.X_OK):
            return Path(place)
    raise CourseError(f"{usual}: this path is too long for sockets; set TMPDIR to a shorter one.")


def disk_problem(error: BaseException) -> str:
    """Return a sentence about a disk that takes no more files, with the advice; "" for any other error."""
    problem = DISK_PROBLEMS.get(error.errno or 0, "") if isinstance(error, OSError) else ""
    where = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
    return problem and f"{where}{problem}, and run the command again. Nothing that was saved before is lost."


def digest(*parts: str | bytes) -> str:
    """Return the SHA-256 of the parts in hexadecimal. Lengths are hashed too: ("ab", "c") and ("a", "bc") differ."""
    total = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        total.update(len(content).to_bytes(8, "big") + content)
    return total.hexdigest()
