"""Hands in a zip with a name that no disk takes."""

import io
import zipfile

_packed = io.BytesIO()
with zipfile.ZipFile(_packed, "w") as _archive:
    _archive.writestr("a" * 300, "file")

FILES = {"work.zip": _packed.getvalue()}
