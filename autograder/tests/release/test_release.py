"""Release and handout: what students get, and that a failure leaves the old one standing."""

import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbgrader.api import Gradebook

from autograder.cli.main import main
from autograder.course.course import CONFIG, Course
from autograder.distribution import pinned
from autograder.errors import CourseError
from autograder.release import release as room
from autograder.release.handout import _papers, handout
from autograder.release.release import contents, is_stale, release
from autograder.tests.support import HELPERS, NOTEBOOKS, ROOT

ASSIGNMENT = "rnn_shapes"


@pytest.fixture
def own(tmp_path: Path) -> Course:
    """A copy of this course, with its release."""
    for name in (CONFIG, "solutions", "notebooks"):
        kept = ROOT / name
        ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
        shutil.copytree(kept, tmp_path / name, ignore=ignored) if kept.is_dir() else shutil.copy(kept, tmp_path)
    return Course.at(tmp_path)


def _secrets(sources: dict[str, NotebookNode]) -> Iterator[str]:
    """Lines that stand in the solutions, the hidden tests or the marking schemes and nowhere else in a notebook."""
    region = re.compile(r"### BEGIN (?:SOLUTION|HIDDEN TESTS|MARK SCHEME)\n(.*?)### END", re.DOTALL)
    for source in sources.values():
        open_text = "\n".join(region.sub("", cell.source) for cell in source.cells)
        for cell in source.cells:
            for part in region.findall(cell.source):
                lines = [line for line in part.splitlines() if not line.startswith("from functools ")]
                yield from (line.strip() for line in lines if len(line) > 12 and line not in open_text)


def test_the_committed_release_is_what_the_sources_give(course: Course) -> None:
    assert not is_stale(course, ASSIGNMENT)


def test_a_release_holds_no_answers_no_hidden_tests_no_outputs(sources: dict[str, NotebookNode]) -> None:
    for name in NOTEBOOKS:
        text = (ROOT / "notebooks" / ASSIGNMENT / f"{name}.ipynb").read_text(encoding="utf-8")
        notebook = nbformat.reads(text, 4)
        nbformat.validate(notebook)
        assert not any(cell.get("outputs") for cell in notebook.cells)
        assert "BEGIN" not in text
        plain = "\n".join(cell.source for cell in notebook.cells)
        assert not [secret for secret in _secrets(sources) if secret in plain]


def test_every_question_has_its_cells_and_points(sources: dict[str, NotebookNode]) -> None:
    cells = [cell for source in sources.values() for cell in source.cells if "nbgrader" in cell.metadata]
    known = {cell.metadata.nbgrader.grade_id: cell.metadata.nbgrader for cell in cells}
    for number in range(1, 13):
        assert known[f"q{number}"].solution
        assert (known[f"q{number}-test"].points, known[f"q{number}-test"].locked) == (2, True)
    whys = sorted(name for name in known if name.endswith("-why"))
    assert whys == ["q10-why", "q12-why", "q2-why", "q4-why", "q7-why", "q8-why"]
    assert sum(meta.get("points", 0) for meta in known.values()) == 30
    assert {f"{name.removesuffix('-why')}-scheme" for name in whys} <= set(known)


def test_notebooks_are_short(sources: dict[str, NotebookNode]) -> None:
    for name, source in sources.items():
        for cell in source.cells:
            seen = re.sub(r"### BEGIN.*?### END [A-Z ]+", "", cell.source, flags=re.DOTALL)
            if cell.cell_type == "code":
                assert len(seen.strip().splitlines()) <= 15, (name, cell.id)
            elif cell.id.endswith("-ask"):
                words = re.sub(r"```.*?```|`[^`]*`", "x", seen, flags=re.DOTALL).split()
                assert len(words) <= 60 + 15, (name, cell.id, len(words))  # with its title and its why


def test_a_changed_source_is_stale_and_the_command_says_how_to_mend_it(
    own: Course, capsys: pytest.CaptureFixture[str]
) -> None:
    path = own.folder("source", ASSIGNMENT) / "1_lstm.ipynb"
    path.write_text(path.read_text().replace("# 1 · What", "# 1 · How"), encoding="utf-8")
    assert is_stale(own, ASSIGNMENT)
    assert main(["--course", str(own.root), "release", "--check"]) == 1
    assert "run `autograder release` and commit the folder." in capsys.readouterr().err
    assert not (own.root / "gradebook.db").exists()
    with pytest.raises(CourseError, match="older than its source notebooks; run `autograder release` first"):
        handout(own)
    shutil.rmtree(own.folder("release", ASSIGNMENT))
    with pytest.raises(CourseError, match=f"/notebooks/{ASSIGNMENT}: not released yet; run `autograder release` first"):
        handout(own)


def test_a_release_tells_the_gradebook_and_its_due_date(own: Course) -> None:
    own.due_dates = {ASSIGNMENT: "2027-01-31 23:59 UTC"}
    release(own, ASSIGNMENT)
    with Gradebook(own.directory.db_url, own.directory.course_id) as book:
        row = book.find_assignment(ASSIGNMENT)
        assert str(row.duedate) == "2027-01-31 23:59:00"
        assert sorted(notebook.name for notebook in row.notebooks) == list(NOTEBOOKS)
        assert sum(cell.max_score for notebook in row.notebooks for cell in notebook.grade_cells) == 30


def test_a_failed_release_leaves_the_old_one_and_the_gradebook(own: Course) -> None:
    released = own.folder("release", ASSIGNMENT)
    before = room.contents(released)
    path = own.folder("source", ASSIGNMENT) / "4_gru_sequences.ipynb"
    path.write_text(path.read_text().replace("### END SOLUTION", "### END"), encoding="utf-8")
    with pytest.raises(
        CourseError, match=r"4_gru_sequences.ipynb: no end solution statement found; fix the notebook\."
    ):
        release(own, ASSIGNMENT)
    assert room.contents(released) == before
    assert not (own.root / "gradebook.db").exists()
    assert not [path for path in own.root.iterdir() if path.name.startswith(".release-")]


def test_a_due_date_that_is_none_is_said(own: Course) -> None:
    own.due_dates = {ASSIGNMENT: "soon"}
    with pytest.raises(CourseError, match="the due date 'soon' of rnn_shapes cannot be read: not a date in the form"):
        release(own, ASSIGNMENT)


def test_the_handout_holds_what_students_need_and_nothing_of_the_solutions(
    own: Course, sources: dict[str, NotebookNode]
) -> None:
    with zipfile.ZipFile(handout(own)) as archive:
        files = {name: archive.read(name).decode() for name in archive.namelist()}
    papers = ["rnn/README.md", "rnn/environment.yml", "rnn/requirements.txt"]
    papers += [f"rnn/{ASSIGNMENT}/{helper}" for helper in HELPERS]
    papers += [f"rnn/explorations/{name}" for name in contents(ROOT / "solutions/explorations")]
    assert sorted(files) == sorted([*papers, *(f"rnn/{ASSIGNMENT}/{name}.ipynb" for name in NOTEBOOKS)])
    assert "are in `rnn_shapes/`, `explorations/` (not graded)." in files["rnn/README.md"]
    everything = "\n".join(files.values())
    for secret in [*_secrets(sources), "BEGIN", "solutions/", "autograder"]:
        assert secret not in everything, secret
    assert files["rnn/requirements.txt"].splitlines() == pinned("learn")
    assert "tensorflow-cpu==" in files["rnn/requirements.txt"]


def test_the_same_release_gives_the_same_handout(own: Course, tmp_path: Path) -> None:
    first, second = handout(own, tmp_path / "1.zip"), handout(own, tmp_path / "2.zip")
    assert first.read_bytes() == second.read_bytes()


def test_a_handouts_readme_is_a_text_a_file_or_a_fault_that_names_the_setting(course: Course) -> None:
    def text(readme: str) -> str:
        settings = course.settings
        settings.Handout.readme = readme
        return _papers(Course(config=settings), "rnn")["README.md"].decode()

    assert text("# {title}\n{x}\n") == "# rnn\n{x}\n"
    assert "three hints" in text("solutions/handout.md")
    with pytest.raises(CourseError, match=r"c\.Handout\.readme: no-such\.md cannot be read \(FileNotFoundError: "):
        text("no-such.md")
