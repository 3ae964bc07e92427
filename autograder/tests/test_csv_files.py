"""CSV as it is found and as it is written: separators, marks, encodings, decimals, formulas."""

import codecs
import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.csv_files import Style, inert_cell, number_cell, read_sheet, write_sheet
from autograder.errors import CourseError

TEXT = 'Student{0}ID{0}Ñame\r\n"Lovelace, Ada; Countess"{0}7{0}"a\nb ""c"""\r\n{0}{0}\r\n'


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize(
    ("encoding", "mark"), [("utf-8", False), ("utf-8-sig", True), ("utf-16", False), ("cp1252", False)]
)
def test_a_file_is_read_however_it_was_saved(separator: str, encoding: str, mark: bool, tmp_path: Path) -> None:
    path = tmp_path / "roster.csv"
    path.write_bytes(TEXT.format(separator).encode(encoding))
    sheet = read_sheet(path)
    assert sheet.header == ("Student", "ID", "Ñame")
    assert sheet.rows == (("Lovelace, Ada; Countess", "7", 'a\nb "c"'),)
    assert sheet.style == Style(separator, ".", mark)
    assert sheet.place("sis id", "id") == 1
    assert sheet.place("Grade") is None


def test_short_and_long_rows_are_as_long_as_the_header(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("a,b\n1\n1,2,3\n")
    assert read_sheet(tmp_path / "x.csv").rows == (("1", ""), ("1", "2"))


@pytest.mark.parametrize(("cell", "decimal"), [("10,5", ","), ("10.5", "."), ("1,2,3", ".")])
def test_decimal_commas_are_seen_where_a_comma_does_not_separate(cell: str, decimal: str, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(f"a;b\nx;{cell}\n")
    assert read_sheet(tmp_path / "x.csv").style.decimal == decimal


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read (No such file or directory); check the name."),
        (b"", "the file is empty; export it again."),
        (b"\n,,\n", "the file is empty; export it again."),
        (b'a,b\n"x,1\n', "not a CSV file (unexpected end of data); export it again."),
    ],
)
def test_what_is_no_sheet_gets_one_sentence(content: bytes | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CourseError) as raised:
        read_sheet(path)
    assert str(raised.value) == f"{path}: {said}"


@pytest.mark.parametrize(
    "cell", ["=cmd|' /C calc'!A0", "+1+2", "-1+2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "-a", "+49 1"]
)
def test_a_formula_is_written_as_text(cell: str) -> None:
    assert inert_cell(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "ada", "-", "-1", "-1.5", "-1,5", "1=2", " ", "'=1"])
def test_anything_else_is_written_as_it_is(cell: str) -> None:
    assert inert_cell(cell) == cell


@pytest.mark.parametrize(
    ("value", "point", "comma"),
    [
        (None, "", ""),
        (2.0, "2", "2"),
        (21.6, "21.6", "21,6"),
        (0.1 + 0.2, "0.3", "0,3"),
        (1234567.25, "1234567.25", "1234567,25"),
    ],
)
def test_numbers(value: float | None, point: str, comma: str) -> None:
    assert number_cell(value) == point
    assert number_cell(value, Style(decimal=",")) == comma


TABLES = st.lists(
    st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=1, max_size=4), min_size=1
)


@given(TABLES)
def test_what_is_written_can_be_read_and_holds_no_formula(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]]
) -> None:
    path = tmp_path_factory.mktemp("sheet") / "x.csv"
    write_sheet(path, rows, Style(";", mark=True))
    assert path.read_bytes().startswith(codecs.BOM_UTF8)
    with path.open(newline="", encoding="utf-8-sig") as file:
        read = list(csv.reader(file, delimiter=";"))
    assert [row for row in read if row] == [[inert_cell(cell) for cell in row] for row in rows]
    assert list(path.parent.iterdir()) == [path]


def test_control_characters_do_not_reach_a_sheet(tmp_path: Path) -> None:
    write_sheet(tmp_path / "marks.csv", [["\x1b[2Jeve\udcff", "Ann\xa0Lee\nline"]])
    assert (tmp_path / "marks.csv").read_bytes().decode() == '?[2Jeve?,"Ann\xa0Lee\nline"\r\n'
