"""The README and the pages by hand: short, by commands that there are, with figures that were measured."""

import re
import shlex
from pathlib import Path

import nbformat
import pytest

from autograder.cli.parser import parse
from autograder.tests.harness.forms import FORMS
from autograder.tests.support import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = ROOT / "autograder" / "docs" / "pages"
TEXTS = {"README.md": README} | {str(p.relative_to(PAGES)): p.read_text("utf-8") for p in sorted(PAGES.rglob("*.md"))}
TERM = ["release", "handout", "collect", "grade", "mark", "report", "export", "feedback"]
OPTIONS = sorted({line for text in TEXTS.values() for line in re.findall(r"^make [a-z]+ ARGS=.*?(?=  |$)", text, re.M)})


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 130


def test_the_instructors_section_walks_a_term() -> None:
    instructor = README.partition("## I am an instructor")[2].partition("\n## ")[0]
    assert re.findall(r"^make ([a-z]+)", instructor, re.MULTILINE) == TERM


@pytest.mark.parametrize("door", ["I am a student", "I am an instructor", "I am CI"])
def test_there_are_three_doors_of_at_most_ten_lines(door: str) -> None:
    (_, section) = README.split(f"\n## {door}\n")
    lines = [line for line in section.partition("\n## ")[0].splitlines() if line and not line.startswith("```")]
    assert 3 <= len(lines) <= 10


def test_the_pictures_are_a_question_and_a_class_report() -> None:
    pictures = re.findall(r"!\[([^\]]+)\]\((\S+)\)", README)
    assert [Path(path).stem for _, path in pictures] == ["question", "report"]
    for words, path in pictures:
        assert len(words) > 30
        assert 10_000 < (ROOT / path).stat().st_size < 100_000


@pytest.mark.parametrize("name", TEXTS)
def test_every_target_that_a_text_names_is_there(name: str) -> None:
    known = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make ([a-z]+)", TEXTS[name], re.MULTILINE)) <= known


@pytest.mark.parametrize("line", OPTIONS)
def test_every_line_with_options_is_understood(line: str) -> None:
    _, target, options = shlex.split(line.partition("  #")[0])
    parse([target, *shlex.split(options.removeprefix("ARGS="))])


def test_every_command_that_a_text_names_is_there() -> None:
    named = {name for text in TEXTS.values() for name in re.findall(r"`autograder ([a-z]+)[ `]", text)}
    for name in sorted(named):
        with pytest.raises(SystemExit) as ended:
            parse([name, "--help"])
        assert ended.value.code == 0, name


def test_links_of_the_readme_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_figures_of_the_readme_are_those_of_the_pages() -> None:
    bench, attacks = TEXTS["performance.md"], TEXTS["attacks.md"]
    speed = r"takes ([\d.]+) s on two cores, with plain nbgrader ([\d.]+) s: ([\d.]+)"
    ((ours, plain, times),) = re.findall(speed, README)
    ours_row = "| autograder, warm, from checkpoints, 4 at a time |"
    *_, row = [line for line in bench.splitlines() if line.startswith(ours_row)]  # the largest class
    assert re.findall(r"In a class of (\d+), a notebook takes", README) == [row.split("|")[2].strip()]
    assert [ours, times] == [row.split("|")[place].strip() for place in (3, 5)]
    assert f"| plain nbgrader | 2 | {plain} |" in bench
    resistance = r"Of (\d+) attacks, plain nbgrader resisted (\d+) and autograder all (\d+)"
    ((count, resisted, all_of_them),) = re.findall(resistance, README)
    assert f"Of {count} attacks plain nbgrader resisted {resisted}, autograder resisted {all_of_them}." in attacks
    rows = [line.split("|")[2:4] for line in attacks.splitlines() if line.startswith("| ")]
    losses = [sum("honest mark lost" in row[place] for row in rows) for place in (0, 1)]
    ((of_honest, of_these),) = re.findall(
        r"In (\d+) of these (\d+), plain nbgrader lost marks of honest answers", README
    )
    assert [losses[0], losses[1], of_these] == [int(of_honest), 0, count]


def test_the_share_of_tests_that_work_as_written_is_that_of_the_page() -> None:
    page = " ".join(TEXTS["instructors/tests.md"].split())
    share = r"Of (\d+) tests in six public courses, (\d+) \((\d+) %\) are graded as they were written"
    ((count, working, percent),) = re.findall(share, README)
    assert re.findall(share, page) == [(count, working, percent)]
    assert f"The other {int(count) - int(working)} are not" in page
    assert int(percent) == round(100 * int(working) / int(count))
    assert re.findall(r"a collection of (\d+) small notebooks", page) == [str(len(FORMS))]


def test_the_students_page_shows_the_way_through_all_notebooks() -> None:
    rows = re.findall(r"^\| (\d+) \| `([\w/]+)` \|", TEXTS["students.md"], re.MULTILINE)
    released = {f"{path.parent.name}/{path.stem}" for path in (ROOT / "notebooks").glob("*/*.ipynb")}
    assert [int(number) for number, _ in rows] == list(range(1, len(released) + 1))
    assert {path for _, path in rows} == released


def test_the_whole_test_cell_of_the_readme_is_that_of_the_notebook() -> None:
    shown = README.partition("```python\n")[2].partition("\n```")[0]
    notebook = nbformat.read(Path(ROOT, "solutions", "rnn_shapes", "1_lstm.ipynb"), 4)
    assert shown in [cell.source for cell in notebook.cells]
