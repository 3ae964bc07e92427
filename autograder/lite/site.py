"""Lay out a JupyterLite site with the course's notebooks, and build it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.lite import wheels
from autograder.lite.recordings import recorded_fits
from autograder.release.release import is_stale

PYODIDE = "0.27.7"  # the newest for which jupyterlite-pyodide-kernel 0.6 works
CDN = f"https://cdn.jsdelivr.net/pyodide/v{PYODIDE}/full/pyodide.js"  # where JupyterLite's kernel loads Pyodide
EXTENSIONS = ("@jupyterlite/pyodide-kernel-extension", "@jupyter-widgets/jupyterlab-manager")
KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel"
# A relative address is relative to the kernel's script, which is four folders below the site.
WHEELS = "wheels"
TO_SITE = f"../../../../{WHEELS}/"
OVERRIDES = Path(__file__).parents[1] / "learner" / "lab_settings" / "overrides.json"  # those of `autograder lab`
# Keep all cells of a notebook in the page, so that a browser finds text in them and pictures do not jump.
OWN_SETTINGS = {"@jupyterlab/notebook-extension:tracker": {"windowingMode": "defer"}}
BUILD = (sys.executable, "-m", "jupyterlite_core", "build")
HAND_IN = """\
# How do you hand in?

1. In each notebook of `{folder}` choose *Kernel → Restart Kernel and Run All Cells*, wait, and save.
2. Run the next cell, and click on the link. It downloads your saved notebooks as one zip.
3. Hand in this zip.

Your notebooks are saved in this browser only, on this computer. Other people who use it can read them. They are
lost if you delete the browser's data of this site, so download the zip before you do.
"""


def lay_out(course: Course, folder: Path) -> None:
    """Write what JupyterLite builds the site from into a new folder.

    Args:
        course: The course, with its notebooks released.
        folder: The new folder.

    Raises:
        CourseError: A release is out of date, a package is not installed, or a training cannot be recorded.
    """
    for assignment in course.assignments():
        _copy_released(course, assignment, folder / "contents")
    for assignment in course.graded():
        nbformat.write(_hand_in(assignment), folder / "contents" / f"hand_in_{assignment}.ipynb")
    packed = folder / WHEELS
    packed.mkdir()
    names = [wheels.pack_installed(name, packed).name for name in wheels.PACKAGES]
    fits = json.dumps(recorded_fits(course), sort_keys=True).encode()
    names.append(wheels.pack_start_up(packed, {"recorded_fits.json": fits}).name)
    (folder / "jupyter-lite.json").write_text(json.dumps(_settings(course, names), indent=1, sort_keys=True))
    overrides = json.loads(OVERRIDES.read_text(encoding="utf-8")) | OWN_SETTINGS
    (folder / OVERRIDES.name).write_text(json.dumps(overrides))


def _copy_released(course: Course, assignment: str, contents: Path) -> None:
    released = course.folder("release", assignment)
    if is_stale(course, assignment):
        raise CourseError(f"{released.resolve()}: older than its source notebooks; run `make release` first.")
    ignored = shutil.ignore_patterns(".ipynb_checkpoints", "__pycache__")
    shutil.copytree(released, contents / assignment, ignore=ignored)


def _hand_in(assignment: str) -> NotebookNode:
    """Return a notebook that packs the notebooks of an assignment."""
    code = f'from hand_in import download\n\ndownload("{assignment}")'
    cells = [nbformat.v4.new_markdown_cell(HAND_IN.format(folder=assignment)), nbformat.v4.new_code_cell(code)]
    for number, cell in enumerate(cells):
        cell.id = f"hand-in-{number}"
    kernel = {"name": "python", "display_name": "Python (Pyodide)", "language": "python"}  # JupyterLite's
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    notebook: NotebookNode = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    return notebook


def _settings(course: Course, names: Iterable[str]) -> dict[str, object]:
    """Return the content of jupyter-lite.json."""
    kernel = {
        "pyodideUrl": CDN,
        "disablePyPIFallback": True,
        "loadPyodideOptions": {
            "env": {"KERAS_BACKEND": "numpy", "HOME": "/home/pyodide"},
            "packages": ["numpy", "packaging", "pygments", *(f"{TO_SITE}{name}" for name in names)],
        },
    }
    config = {
        "appName": str(course.directory.course_id or course.root.name),
        "exposeAppInBrowser": True,
        "litePluginSettings": {KERNEL: kernel},
    }
    return {"jupyter-lite-schema-version": 0, "jupyter-config-data": config}


def build(folder: Path, site: Path) -> None:
    """Build the site from a folder that `lay_out` wrote.

    Raises:
        CourseError: The build failed; the message ends with the last line that JupyterLite printed.
    """
    options = {
        "lite_dir": str(folder),
        "output_dir": str(site),
        "contents": [str(folder / "contents")],
        "settings_overrides": [str(folder / OVERRIDES.name)],
        "federated_extensions": [str(path) for path in extensions()],
        "ignore_sys_prefix": True,  # other extensions of this environment need a server
        "apps": ["lab"],
        "no_sourcemaps": True,
        "no_unused_shared_packages": True,
    }
    (folder / "jupyter_lite_config.json").write_text(json.dumps({"LiteBuildConfig": options}))
    built = subprocess.run(BUILD, cwd=folder, capture_output=True, text=True)
    if built.returncode:
        lines = f"{built.stdout}\n{built.stderr}".strip().splitlines()
        raise CourseError(f"JupyterLite failed: {lines[-1] if lines else 'it printed nothing'}")
    shutil.copytree(folder / WHEELS, site / WHEELS)


def extensions() -> list[Path]:
    """Return the folders of the JupyterLab extensions that the site needs."""
    from jupyter_core.paths import jupyter_path

    places = [Path(place) for place in jupyter_path("labextensions")]
    found = []
    for name in EXTENSIONS:
        path = next((place / name for place in places if (place / name).is_dir()), None)
        if path is None:
            raise CourseError(f"the JupyterLab extension {name} is not installed; run `make setup`.")
        found.append(path)
    return found
