"""Hands in a zip in which one name is a file and a folder at once."""

import io
import zipfile

_packed = io.BytesIO()
with zipfile.ZipFile(_packed, "w") as _archive:
    _archive.writestr("a", "file")
    _archive.writestr("a/b", "file in a folder of the same name")

FILES = {"work.zip": _packed.getvalue()}
