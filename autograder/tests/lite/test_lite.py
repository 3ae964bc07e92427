"""`make lite`: what the site is made of, what it says where something is missing, what a failed build leaves behind."""

import hashlib
import json
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import nbformat
import pytest

from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.lite import __main__ as lite
from autograder.lite import site, wheels
from autograder.lite.start_up import hand_in
from autograder.tests.harness import pyodide
from autograder.tests.support import ROOT


@pytest.fixture
def laid_out(tmp_path: Path, course: Course, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What JupyterLite builds the site from; no training is run for it."""
    monkeypatch.setattr(site, "recorded_fits", lambda course: {"a training": {"loss": [1.0]}})
    monkeypatch.setattr(site, "is_stale", lambda course, assignment: False)
    site.lay_out(course, tmp_path / "source")
    return tmp_path / "source"


def _names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def test_the_notebooks_are_the_released_ones(laid_out: Path) -> None:
    for path in (ROOT / "notebooks").rglob("*.*"):
        if path.suffix in (".ipynb", ".py") and ".ipynb_checkpoints" not in path.parts:
            assert (laid_out / "contents" / path.relative_to(ROOT / "notebooks")).read_bytes() == path.read_bytes()
    nbformat.validate(nbformat.read(laid_out / "contents" / "hand_in_rnn_shapes.ipynb", 4))


def test_only_pyodide_is_loaded_from_elsewhere(laid_out: Path) -> None:
    settings = json.loads((laid_out / "jupyter-lite.json").read_text())["jupyter-config-data"]["litePluginSettings"]
    (kernel,) = settings.values()
    assert kernel["pyodideUrl"] == f"https://cdn.jsdelivr.net/pyodide/v{site.PYODIDE}/full/pyodide.js"
    assert kernel["disablePyPIFallback"] is True
    packed = [name.removeprefix(site.TO_SITE) for name in kernel["loadPyodideOptions"]["packages"] if "/" in name]
    assert sorted(packed) == sorted(path.name for path in (laid_out / site.WHEELS).iterdir())
    assert len(packed) == len(wheels.PACKAGES) + 1


def test_a_wheel_has_what_is_installed(laid_out: Path) -> None:
    (path,) = laid_out.glob("wheels/keras-[0-9]*.whl")
    names = _names(path)
    assert path.name == f"keras-{metadata.version('keras')}-py3-none-any.whl"
    assert {"keras/__init__.py", f"keras-{metadata.version('keras')}.dist-info/METADATA"} <= set(names)
    assert [name for name in names if "__pycache__" in name or name.startswith("..")] == []
    (start_up,) = laid_out.glob("wheels/keras_start_up-*.whl")
    assert {"optree/__init__.py", "ml_dtypes.py", "hand_in.py", "recorded_fits.json"} <= set(_names(start_up))


def test_a_package_that_cannot_be_packed(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"numpy cannot run in a browser: numpy\S+ is compiled"):
        wheels.pack_installed("numpy", tmp_path)
    with pytest.raises(CourseError, match="no-such-package is not installed; run `make setup`"):
        wheels.pack_installed("no-such-package", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_tool_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(lite, "TOOLS", ("json", "no_such_tool"))
    assert lite.main([]) == 1
    said = capsys.readouterr().err
    assert said == "the site needs no_such_tool; install it with pip install 'notebook-autograder[lite]'.\n"


@pytest.mark.process
def test_a_failed_build_leaves_the_old_site(
    laid_out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(lite, "TOOLS", ())
    monkeypatch.setattr(lite, "lay_out", lambda course, folder: laid_out.rename(folder))
    monkeypatch.setattr(site, "extensions", list)
    monkeypatch.setattr(site, "BUILD", (sys.executable, "-c", "raise SystemExit('no more disk')"))
    place = tmp_path / "sites" / "lite"
    place.mkdir(parents=True)
    (place / "index.html").write_text("old")
    assert lite.main(["--to", str(place)]) == 1
    said = capsys.readouterr().err
    assert said == f"the site was not built (JupyterLite failed: no more disk); {place} is as it was.\n"
    assert (place / "index.html").read_text() == "old"
    assert [path.name for path in place.parent.iterdir()] == ["lite"]


def test_a_missing_extension_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "EXTENSIONS", ("@nobody/nothing",))
    with pytest.raises(CourseError, match="the JupyterLab extension @nobody/nothing is not installed"):
        site.extensions()


def test_what_is_handed_in_is_what_was_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hand_in, "DRIVE", tmp_path)
    assert "There are no notebooks in the folder &lt;b&gt;." in hand_in.download("<b>").data
    (tmp_path / "ps1").mkdir()
    (tmp_path / "ps1" / "one.ipynb").write_bytes(b"{}")
    (tmp_path / "ps1" / "helper.py").write_bytes(b"")
    shown = hand_in.download("ps1").data
    assert '<a download="ps1.zip" href="data:application/zip;base64,' in shown
    assert "<li>one.ipynb</li>" in shown
    assert "helper" not in shown


def test_a_copy_of_pyodide_counts_only_with_the_digests_of_its_lock_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pyodide, "COPY", tmp_path)
    monkeypatch.setattr(pyodide, "LOADED", ("numpy",))
    assert pyodide.missing() == f"Pyodide's pyodide.js is not in {tmp_path}; run `make pyodide`."
    for name in pyodide.CORE:
        (tmp_path / name).write_bytes(b"")
    package = {"file_name": "numpy.whl", "sha256": hashlib.sha256(b"numbers").hexdigest(), "depends": []}
    (tmp_path / pyodide.LOCK).write_text(json.dumps({"packages": {"numpy": package}}))
    for content, complete in ((b"others", False), (b"numbers", True)):
        (tmp_path / "numpy.whl").write_bytes(content)
        assert (pyodide.missing() == "") == complete
