"""Files written whole or not at all, folders swapped by renames, archives of fixed bytes, and digests.

A reader of these files sees the old content or the new, never a half of either, also where a process is killed.
"""

import hashlib
import io
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

STAMP = (1980, 1, 1, 0, 0, 0)  # in archives: the same bytes from the same files, whenever made


def write_atomically(path: Path, data: bytes | str) -> None:
    """Write a file whole: beside its place first, as `NAME.part`, then by a rename.

    Args:
        path: The file; its folder must exist.
        data: Its content; text is written as UTF-8, with its line ends as they are.

    Raises:
        OSError: The file cannot be written. An older file is as it was, and nothing is left beside it.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_bytes(data.encode() if isinstance(data, str) else data)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def replace_folder(new: Path, place: Path) -> None:
    """Put the folder `new` where `place` is, by renames; what was there before is deleted.

    Both must be on the same disk. The old folder waits beside its place, as `.NAME.old`, until the new one is there.

    Raises:
        OSError: The folder cannot be moved. The old folder is where it was.
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


def write_zip(path: Path, files: Mapping[str, bytes]) -> None:
    """Write a zip archive of files by their names inside; the same bytes from the same files.

    The archive's folder is made where it is missing. Raises OSError as `write_atomically` does.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, STAMP), content, zipfile.ZIP_DEFLATED)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, buffer.getvalue())


def digest(*parts: str | bytes) -> str:
    """Return the SHA-256 of parts in hexadecimal; each part's length counts, so that no two lists are alike."""
    total = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        total.update(len(content).to_bytes(8, "big") + content)
    return total.hexdigest()
