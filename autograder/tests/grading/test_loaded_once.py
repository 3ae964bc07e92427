"""How often each command converts and parses the source notebooks of a small course, counted in real runs.

A conversion is a run of the step that puts stubs in place of solutions, which nothing else can skip. A parse is a call
of nbformat with the text of a source notebook.
"""

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.converters import Autograde
from nbgrader.preprocessors import ClearSolutions

from autograder.cli.main import main
from autograder.course.converter import convert
from autograder.course.course import CONFIG, Course
from autograder.grading.nbgrader_preprocessors import _loaded
from autograder.notebook.landmarks import parsed
from autograder.release.release import is_stale, release
from autograder.tests.support import ROOT

SMALL = ROOT / "autograder" / "tests" / "courses" / "small"
HOOKS = "\nfrom autograder import hooks\n\nhooks.configure(c)\n"
NAMES = ("basics", "functions")

reads: Callable[..., nbformat.NotebookNode] = nbformat.reads  # before a test counts its calls

pytestmark = [pytest.mark.kernel, pytest.mark.xdist_group("loaded-once")]


@dataclass
class Counts:
    """Conversions and parses of each source notebook."""

    sources: dict[str, str]  # text by name
    converted: Counter[str] = field(default_factory=Counter)
    parsed: Counter[str] = field(default_factory=Counter)

    def convert(self, notebook: nbformat.NotebookNode) -> None:
        ids = _ids(notebook)
        self.converted.update(name for name, text in self.sources.items() if ids == _ids(reads(text, 4)))

    def parse(self, text: str) -> None:
        self.parsed.update(name for name, source in self.sources.items() if text == source)


def _ids(notebook: nbformat.NotebookNode) -> list[str]:
    return [cell.id for cell in notebook.cells]


@pytest.fixture(scope="module")
def handed_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small course with nbgrader's hooks, released, with two submissions."""
    root = tmp_path_factory.mktemp("once") / "small"
    shutil.copytree(SMALL, root)
    with (root / CONFIG).open("a") as file:
        file.write(HOOKS)
    course = Course.at(root)
    release(course, "ps1")
    for student in ("ada", "ben"):
        shutil.copytree(course.folder("release", "ps1"), course.folder("submitted", "ps1", student))
    return root


@pytest.fixture
def small(handed_in: Path, tmp_path: Path) -> Course:
    return Course.at(Path(shutil.copytree(handed_in, tmp_path / "small")))


@pytest.fixture
def count(small: Course, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], Counts]:
    """Count what a job does."""

    def counted(job: Callable[[], Any]) -> Counts:
        counts = Counts({path.stem: path.read_text() for path in small.source_notebooks("ps1")})
        clear = ClearSolutions.preprocess

        def convert_one(step: Any, nb: Any, resources: Any) -> Any:
            counts.convert(nb)
            return clear(step, nb, resources)

        def parse_one(text: str, *args: Any, **more: Any) -> Any:
            counts.parse(text)
            return reads(text, *args, **more)

        with monkeypatch.context() as patch:
            patch.setattr(ClearSolutions, "preprocess", convert_one)
            patch.setattr(nbformat, "reads", parse_one)
            parsed.cache_clear()  # each job stands for a process
            job()
        return counts

    return counted


def _each(times: int) -> Counter[str]:
    return Counter({name: times for name in NAMES if times})


def _run(course: Course, *words: str) -> Callable[[], None]:
    def job() -> None:
        assert main(["--course", str(course.root), *words]) == 0

    return job


@pytest.mark.parametrize("known", [True, False], ids=["known to the gradebook", "a fresh checkout"])
def test_release_converts_once(known: bool, small: Course, count: Any) -> None:
    if not known:
        (small.root / "gradebook.db").unlink()
    counts = count(_run(small, "release"))
    assert (counts.converted, counts.parsed) == (_each(1), _each(1))
    assert not is_stale(small, "ps1"), "nbgrader's own conversion of the files gives the same"


@pytest.mark.parametrize("words", [("release", "--check"), ("handout",)], ids=" ".join)
def test_a_check_of_the_release_converts_once(words: tuple[str, ...], small: Course, count: Any) -> None:
    counts = count(_run(small, *words))
    assert (counts.converted, counts.parsed) == (_each(1), _each(1))


@pytest.mark.parametrize(
    ("known", "follow"),
    [
        (True, {("grade", "--changed", "--yes"): 1, ("mark",): 1, ("feedback",): 0, ("report",): 0, ("export",): 0}),
        (False, {}),  # what follows has the same gradebook
    ],
    ids=["known to the gradebook", "a fresh checkout"],
)
def test_grade_converts_once_and_what_follows_does_not(
    known: bool, follow: dict[tuple[str, ...], int], small: Course, count: Any
) -> None:
    if not known:
        (small.root / "gradebook.db").unlink()
    for words, converted in {("grade",): 1, **follow}.items():
        counts = count(_run(small, *words))
        assert (counts.converted, counts.parsed) == (_each(converted), _each(1)), words


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")  # of nbgrader itself
def test_nbgrader_autograde_converts_once_for_all_students_until_a_source_changes(small: Course, count: Any) -> None:
    def autograde(student: str = "*") -> None:
        convert(small, Autograde, "ps1", student, force=True)

    def once_more() -> None:  # one student tells as much as two
        autograde("ben")

    _loaded.cache_clear()
    counts = count(autograde)
    assert small.students("ps1", "autograded") == ["ada", "ben"]
    assert (counts.converted, counts.parsed) == (_each(1), _each(1))
    assert count(once_more).converted == _each(0)
    (small.folder("source", "ps1") / "readings.csv").write_text("day,celsius\n")
    assert count(once_more).converted == _each(1)
