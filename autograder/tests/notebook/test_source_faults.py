"""What an instructor hears of a source notebook that nbgrader cannot release, and that nbgrader refuses it indeed."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from nbgrader.converters import GenerateAssignment
from traitlets.config import Config

from autograder.cli.main import main
from autograder.course.converter import convert
from autograder.course.course import Course
from autograder.errors import CourseError
from autograder.gradebook.source_assignment import SourceAssignment
from autograder.grading import pipeline
from autograder.grading.pipeline import grade_submission
from autograder.grading.proving import proved
from autograder.model import Submission
from autograder.notebook.source_faults import Finding, listed, source_faults

HERE = "source/ps1/p1.ipynb"
TYPE = "change the cell's type in Create Assignment, or delete the marker"


def cell(name: str, source: str = "x = 1", kind: Any = new_code_cell, **rights: Any) -> NotebookNode:
    metadata = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3, **rights}
    made: NotebookNode = kind(source, metadata={"nbgrader": {"grade_id": name, **metadata}})
    return made


def answer(name: str, source: str) -> NotebookNode:
    return cell(name, source, solution=True)


def check(name: str, source: str = "assert x == 1", **rights: Any) -> NotebookNode:
    return cell(name, source, **{"grade": True, "locked": True, "points": 1, **rights})


def task(name: str, source: str) -> NotebookNode:
    return cell(name, source, new_markdown_cell, task=True, points=1)


def written(name: str, source: str, **rights: Any) -> NotebookNode:
    return cell(name, source, new_markdown_cell, **{"grade": True, "solution": True, "points": 1, **rights})


def sentences(*cells: NotebookNode, config: Config | None = None, **metadata: Any) -> list[str]:
    notebook = new_notebook(cells=list(cells), metadata=metadata)
    found = [str(one) for one in source_faults(notebook, HERE, config or Config())]
    assert all(sentence.startswith(f"{HERE}: ") and sentence.endswith(".") for sentence in found)
    return [sentence.removeprefix(f"{HERE}: ").removesuffix(".") for sentence in found]


FAULTS = {
    "duplicate ids": (
        [answer("a", "x = 1"), check("t"), check("t", "assert x")],
        ["cell t: 2 cells have this ID; give each cell its own ID in Create Assignment"] * 2,
    ),
    "an id with a space": (
        [answer("my answer", "x = 1")],
        ["cell my answer: an ID can have only letters, digits, `_` and `-`; rename the cell in Create Assignment"],
    ),
    "no id": ([answer("", "x = 1")], ["cell 1: the cell has no ID; give it one in Create Assignment"]),
    "a solution outside": (
        [new_code_cell("x = 1\n### BEGIN SOLUTION\nx = 2\n### END SOLUTION")],
        [f"cell 1, line 2: `BEGIN SOLUTION` is allowed only in an answer cell; {TYPE}"],
    ),
    "a solution in a test": (
        [check("t", "### BEGIN SOLUTION\nx = 2\n### END SOLUTION\nassert x")],
        [f"cell t, line 1: `BEGIN SOLUTION` is allowed only in an answer cell; {TYPE}"],
    ),
    "nested solutions": (
        [answer("a", "### BEGIN SOLUTION\nx = 1\n### BEGIN SOLUTION\n### END SOLUTION")],
        ["cell a, line 3: `BEGIN SOLUTION` is inside the region that line 1 begins; write `END SOLUTION` before it"],
    ),
    "an open solution": (
        [answer("a", "x = 0\n### BEGIN SOLUTION\nx = 1")],
        ["cell a, line 2: `BEGIN SOLUTION` has no `END SOLUTION` after it; write `END SOLUTION`"],
    ),
    "hidden tests outside": (
        [
            answer(
                "a", "### BEGIN SOLUTION\nx = 1\n### END SOLUTION\n### BEGIN HIDDEN TESTS\ny = 1\n### END HIDDEN TESTS"
            )
        ],
        [f"cell a, line 4: `BEGIN HIDDEN TESTS` is allowed only in a test cell; {TYPE}"],
    ),
    "open hidden tests": (
        [check("t", "### BEGIN HIDDEN TESTS\nassert x")],
        ["cell t, line 1: `BEGIN HIDDEN TESTS` has no `END HIDDEN TESTS` after it; write `END HIDDEN TESTS`"],
    ),
    "nested hidden tests": (
        [check("t", "### BEGIN HIDDEN TESTS\n### BEGIN HIDDEN TESTS\nassert x\n### END HIDDEN TESTS")],
        [
            "cell t, line 2: `BEGIN HIDDEN TESTS` is inside the region that line 1 begins;"
            " write `END HIDDEN TESTS` before it"
        ],
    ),
    "a marking scheme outside": (
        [cell("c", "### BEGIN MARK SCHEME\nx\n### END MARK SCHEME", locked=True)],
        [f"cell c, line 1: `BEGIN MARK SCHEME` is allowed only in a manually graded task; {TYPE}"],
    ),
    "an image in a marking scheme": (
        [task("k", "Draw.\n### BEGIN MARK SCHEME\n![right](attachment:right.png)\n### END MARK SCHEME")],
        [
            "cell k, line 3: an image is attached in a marking scheme, and students would get the image;"
            " put the image in the text, as a `data:` URL, or in a file"
        ],
    ),
    "no points": (
        [cell("t", "assert x", grade=True, locked=True)],
        ["cell t: the cell has no points; set its points in Create Assignment"],
    ),
    "negative points": ([check("t", points=-1)], ["cell t: the cell has -1 points; set 0 points or more"]),
    "a test in Markdown": (
        [cell("t", "text", new_markdown_cell, grade=True, locked=True, points=1)],
        [
            "cell t: a markdown cell cannot be an autograded test;"
            " make it a code cell, or a manually graded answer in Create Assignment"
        ],
    ),
    "an answer in Markdown": (
        [cell("w", "text", new_markdown_cell, solution=True)],
        [
            "cell w: a markdown cell cannot be an autograded answer;"
            " make it a code cell, or a manually graded answer in Create Assignment"
        ],
    ),
    "a task in code": (
        [cell("k", "x", task=True, points=1)],
        ["cell k: a manually graded task is a code cell; make it a Markdown cell"],
    ),
    "version 1": (
        [answer("a", "x = 1"), check("t", schema_version=1)],
        [f"its cells have nbgrader metadata of version 1, and version 3 is needed; run `nbgrader update {HERE}`"],
    ),
    "a newer version": (
        [check("t", schema_version=4)],
        ["its cells have nbgrader metadata of a newer version than 3; install a newer nbgrader"],
    ),
    "metadata that is a text": (
        [new_code_cell("x", metadata={"nbgrader": "no"})],
        ["cell 1: its nbgrader metadata is not a dict; delete it and set the cell's type in Create Assignment"],
    ),
}


@pytest.mark.parametrize(("cells", "expected"), FAULTS.values(), ids=list(FAULTS))
def test_each_fault_is_one_sentence(cells: list[NotebookNode], expected: list[str]) -> None:
    assert sentences(*cells) == expected


@pytest.mark.parametrize(("cells", "expected"), FAULTS.values(), ids=list(FAULTS))
def test_nbgrader_refuses_the_same(tmp_path: Path, cells: list[NotebookNode], expected: list[str]) -> None:
    """Each fault is one of nbgrader's own, so nothing that nbgrader can release is refused."""
    made = course(tmp_path, p1=cells)
    with pytest.raises(Exception, match=r".") as error:  # some of its faults are a traceback
        generate(made)
    assert expected
    assert not isinstance(error.value, AssertionError)


def generate(made: Course) -> None:
    """Release with nbgrader alone, and without a gradebook."""
    settings = made.settings
    settings.SaveCells.enabled = False
    convert(Course(config=settings), GenerateAssignment, "ps1", student=".", no_database=True)


def course(folder: Path, assignment: str = "ps1", **notebooks: list[NotebookNode]) -> Course:
    source = folder / "source" / assignment
    source.mkdir(parents=True)
    (folder / "nbgrader_config.py").write_text('c = get_config()\nc.CourseDirectory.course_id = "c"\n')
    for name, cells in notebooks.items():
        (source / f"{name}.ipynb").write_text(nbformat.writes(new_notebook(cells=cells)), encoding="utf-8")
    return Course.at(folder)


def test_an_end_that_is_there_twice_is_harmless() -> None:
    twice = "### BEGIN SOLUTION\nx = 1\n### END SOLUTION\n\n### END SOLUTION"
    assert sentences(answer("a", twice)) == []
    assert sentences(answer("a", twice.replace("\n\n", "\ny = 2\n"))) == [
        "cell a, line 5: `END SOLUTION` has no `BEGIN SOLUTION` before it; write `BEGIN SOLUTION`, or delete the line"
    ]


def test_a_marker_that_ends_nothing_is_named() -> None:
    """Nbgrader drops the line, and students would get what a mistyped marker should have hidden."""
    typo = "### BEGIN HIDEN TESTS\nassert x == 1\n### END HIDDEN TESTS"
    assert sentences(check("t", typo)) == [
        "cell t, line 3: `END HIDDEN TESTS` has no `BEGIN HIDDEN TESTS` before it;"
        " write `BEGIN HIDDEN TESTS`, or delete the line"
    ]


def test_cells_without_a_version_are_outdated() -> None:
    old = new_code_cell("x", metadata={"nbgrader": {"grade": True, "solution": False, "grade_id": "t", "points": 1}})
    assert sentences(old) == [
        f"its cells have nbgrader metadata of version 0, and version 3 is needed; run `nbgrader update {HERE}`"
    ]


@pytest.mark.parametrize(
    ("metadata", "language"),
    [
        ({"kernelspec": {"name": "ir", "display_name": "R", "language": "R"}}, "r"),
        ({"language_info": {"name": "julia"}}, "julia"),
        ({"kernelspec": {"name": "x", "display_name": "x", "language": "python"}, "language_info": {"name": "R"}}, "r"),
    ],
)
def test_another_language_is_the_only_sentence(metadata: dict[str, Any], language: str) -> None:
    assert sentences(answer("my answer", "x <- 1"), **metadata) == [
        f"the notebook's language is {language}, and only Python notebooks can be graded;"
        " use nbgrader's own commands for it, or set its kernel to Python 3"
    ]


def test_what_nbgrader_can_release_has_no_faults(tmp_path: Path) -> None:
    python: dict[str, Any] = {"kernelspec": {"name": "python3", "display_name": "", "language": "python"}}
    good = [
        new_markdown_cell("no metadata"),
        cell("free", "y = 2"),
        cell("free", "y = 2"),  # nbgrader does not keep track of it
        answer(
            "a",
            "if x:\n    ### BEGIN SOLUTION\n    y = 1\n    ### END SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION",
        ),
        answer("b", "### BEGIN HIDDEN TESTS"),  # the whole cell is replaced
        check("t", "assert x\n### BEGIN HIDDEN TESTS\nassert y\n### END HIDDEN TESTS"),
        cell("manual", "x = 1", grade=True, solution=True, points=2),
        written("w", "text"),
        task("k", "Draw.\n### BEGIN MARK SCHEME\nA line.\n### END MARK SCHEME\n![given](attachment:a.png)"),
    ]
    assert sentences(*good, **python) == []
    generate(course(tmp_path, p1=good))


def test_the_courses_own_markers_and_settings_count() -> None:
    config = Config()
    config.ClearSolutions.begin_solution_delimeter = "<ANSWER>"
    config.ClearMarkScheme.enforce_metadata = False
    assert sentences(new_code_cell("### BEGIN SOLUTION"), config=config) == []
    assert sentences(cell("c", "### BEGIN MARK SCHEME\n### END MARK SCHEME", locked=True), config=config) == []
    assert sentences(answer("a", "<ANSWER>\nx = 1"), config=config) == [
        "cell a, line 1: `<ANSWER>` has no `END SOLUTION` after it; write `END SOLUTION`"
    ]


def test_all_faults_of_an_assignment_are_listed(tmp_path: Path) -> None:
    made = course(tmp_path, p1=[check("t"), check("t")], p2=[answer("b c", "### BEGIN SOLUTION")])
    (tmp_path / "source" / "ps1" / "p3.ipynb").write_text("no JSON")
    with pytest.raises(CourseError) as error:
        SourceAssignment.load(made, "ps1")
    said = str(error.value).splitlines()
    assert [line.split(": ", 2)[:2] for line in said[:4]] == [
        ["source/ps1/p1.ipynb", "cell t"],
        ["source/ps1/p1.ipynb", "cell t"],
        ["source/ps1/p2.ipynb", "cell b c"],
        ["source/ps1/p2.ipynb", "cell b c, line 1"],
    ]
    assert said[4].startswith(f"{tmp_path}/source/ps1/p3.ipynb: cannot be read (")
    assert len(said) == 5


@pytest.mark.parametrize(("name", "marks"), [("hw+1", "`+`"), ("hw[1]", "`[` or `]`")])
def test_an_assignments_name_that_nbgrader_cannot_use(tmp_path: Path, name: str, marks: str) -> None:
    made = course(tmp_path, name, p1=[answer("a", "x = 1"), check("t")])
    with pytest.raises(CourseError) as error:
        SourceAssignment.load(made, name)
    assert str(error.value) == f"{name}: nbgrader cannot use {marks} in an assignment's name; rename its folder."


def test_any_other_fault_of_a_conversion_names_the_notebook(tmp_path: Path) -> None:
    broken = answer("a", "x = 1")
    del broken.metadata.nbgrader["locked"]
    with pytest.raises(CourseError) as error:
        SourceAssignment.load(course(tmp_path, p1=[broken]), "ps1")
    assert str(error.value).startswith(f"{HERE}: nbgrader cannot convert the notebook (")
    assert str(error.value).endswith("; fix the notebook.")
    assert "\n" not in str(error.value)


def test_a_finding_of_a_whole_notebook_has_no_cell() -> None:
    one = Finding("a.ipynb", "", 0, "it is empty", "write one")
    assert listed([one, "b"]) == "a.ipynb: it is empty; write one.\nb"


@pytest.mark.kernel
def test_at_grade_another_language_is_one_sentence_and_nothing_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pipeline, "run", None)  # calling it would raise
    course(tmp_path, p1=[answer("a", "x <- 1"), check("t")])
    path = tmp_path / HERE
    book = nbformat.read(path, 4)
    book.metadata["language_info"] = {"name": "R"}
    nbformat.write(book, path)
    student = tmp_path / "submitted" / "ada" / "ps1" / "p1.ipynb"
    student.parent.mkdir(parents=True)
    nbformat.write(book, student)
    for command in ("release", "grade"):
        assert main(["--course", str(tmp_path), command]) == 1
        assert capsys.readouterr().err == (
            f"autograder: {HERE}: the notebook's language is r, and only Python notebooks can be graded;"
            " use nbgrader's own commands for it, or set its kernel to Python 3.\n"
        )


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("test", "sentence"),
    [
        ("# later", "the test cannot be judged: the test has no statement, so nobody can pass it; add an assert."),
        (
            "%cd ..\nassert True",
            "the test cannot be judged: line 1: `%cd` works only in a notebook, not in a test; use the file's path.",
        ),
    ],
)
def test_a_test_that_cannot_be_judged_gives_no_points_and_takes_none(tmp_path: Path, test: str, sentence: str) -> None:
    source = SourceAssignment.load(course(tmp_path, p1=[answer("a", "x = 1"), check("t", test), check("u")]), "ps1")
    notebook = nbformat.from_dict(source.notebooks["p1"])
    notebook.cells[0].source = "x = 1"
    submission = Submission("ada", {"p1.ipynb": nbformat.writes(notebook).encode()})
    assignment = proved(source).attached(source.packed())
    (result,) = grade_submission(submission, assignment).notebooks
    first, second = result.verdicts
    assert (first.points, first.rationale, second.points) == (None, sentence, 1)
