"""Pack what the notebooks import as wheels: installed packages that are pure Python, and the start-up package.

The site then needs no package index, and has the versions that this environment has.
"""

from importlib import metadata
from pathlib import Path

from autograder.errors import CourseError
from autograder.files import digest, write_zip

START_UP = Path(__file__).with_name("start_up")
# Keras with what it imports there, and the widgets of the picture that moves.
PACKAGES = ("keras", "absl-py", "rich", "markdown-it-py", "mdurl", "comm", "ipywidgets")
WHEEL = "Wheel-Version: 1.0\nGenerator: autograder.lite\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def pack_installed(name: str, folder: Path) -> Path:
    """Pack an installed package as a wheel.

    Args:
        name: The name of its distribution.
        folder: Where to write the wheel.

    Returns:
        The path of the wheel.

    Raises:
        CourseError: The package is not installed, or it has compiled parts, which a browser cannot run.
    """
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        raise CourseError(f"{name} is not installed; run `make setup`.") from None
    files = {path.as_posix(): Path(str(found.locate_file(path))) for path in found.files or []}
    kept = {inside: path for inside, path in files.items() if _belongs(inside) and path.is_file()}
    if compiled := sorted(inside for inside in kept if inside.endswith((".so", ".pyd", ".dylib"))):
        raise CourseError(f"{name} cannot run in a browser: {compiled[0]} is compiled.")
    return _write(folder, name, found.version, {inside: path.read_bytes() for inside, path in kept.items()})


def pack_start_up(folder: Path, more: dict[str, bytes]) -> Path:
    """Pack the start-up package, with some more files, as a wheel; return its path."""
    files = {path.relative_to(START_UP).as_posix(): path.read_bytes() for path in sorted(START_UP.rglob("*.py"))}
    files |= more
    version = f"0.{int(digest(*files, *files.values())[:12], 16)}"  # another content has another address
    info = f"keras_start_up-{version}.dist-info"
    head = f"Metadata-Version: 2.1\nName: keras-start-up\nVersion: {version}\n"
    files |= {f"{info}/METADATA": head.encode(), f"{info}/WHEEL": WHEEL.encode()}
    listed = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    return _write(folder, "keras-start-up", version, files | {f"{info}/RECORD": listed.encode()})


def _belongs(inside: str) -> bool:
    """Return whether a file is part of the package: not a script, not compiled, not written by pip."""
    notes = (".dist-info/INSTALLER", ".dist-info/REQUESTED", ".dist-info/direct_url.json")
    return not (inside.startswith(("..", "/")) or "__pycache__" in inside or inside.endswith(notes))


def _write(folder: Path, name: str, version: str, files: dict[str, bytes]) -> Path:
    path = folder / f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    write_zip(path, files)
    return path
