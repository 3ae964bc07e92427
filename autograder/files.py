"""Write files atomically, replace folders by renaming, write reproducible zip archives, and compute digests.

Another process sees the complete old content or the complete new content, even if the writing process is killed.
"""

import hashlib
import io
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

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


def digest(*parts: str | bytes) -> str:
    """Return the SHA-256 of the parts in hexadecimal. Lengths are hashed too: ("ab", "c") and ("a", "bc") differ."""
    total = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        total.update(len(content).to_bytes(8, "big") + content)
    return total.hexdigest()
