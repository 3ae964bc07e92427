"""CSV files as people's programs write and read them: separators, byte-order marks, decimal commas, formulas.

A cell that a spreadsheet would take for a formula is written with an apostrophe before it, whoever wrote it.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import CourseError
from autograder.files import write_atomically

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # the wide ones are the same to a spreadsheet
SEPARATORS = (",", ";", "\t")
_NUMBER = re.compile(r"-?\d+([.,]\d+)?")
_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")


@dataclass(frozen=True)
class Style:
    """How a file is written."""

    separator: str = ","
    decimal: str = "."
    mark: bool = False  # begins with a byte-order mark


@dataclass(frozen=True)
class CsvTable:
    """A file that was read: its header, its rows (each as long as the header), and its style."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    style: Style

    def place(self, *names: str) -> int | None:
        """The first column of one of these names, whatever its case."""
        wanted = [name.casefold() for name in names]
        return next((i for i, name in enumerate(self.header) if name.casefold() in wanted), None)


def read_sheet(path: Path) -> CsvTable:
    """Read a CSV file of any of the usual kinds; CourseError where there is none."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise CourseError(f"{path}: cannot be read ({error.strerror}); check the name.") from error
    mark, text = content.startswith(codecs.BOM_UTF8), _text(content)
    head = text.lstrip().partition("\n")[0]
    separator = max(SEPARATORS, key=head.count)
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True) if any(row)]
    except csv.Error as error:
        raise CourseError(f"{path}: is not CSV ({error}); export it again.") from error
    if not rows:
        raise CourseError(f"{path}: is empty; export it again.")
    header = tuple(name.strip() for name in rows[0])
    wide = [tuple((row + [""] * len(header))[: len(header)]) for row in rows[1:]]
    comma = separator != "," and any(_DECIMAL_COMMA.fullmatch(cell.strip()) for row in wide for cell in row)
    return CsvTable(header, tuple(wide), Style(separator, "," if comma else ".", mark))


def write_sheet(path: Path, rows: Iterable[Sequence[str]], style: Style | None = None) -> None:
    """Write rows of texts in UTF-8, whole or not at all."""
    style = style or Style()
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=style.separator).writerows([inert_cell(cell) for cell in row] for row in rows)
    write_atomically(path, text.getvalue().encode("utf-8-sig" if style.mark else "utf-8"))


def inert_cell(cell: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) and not _NUMBER.fullmatch(cell) else cell


def number_cell(value: float | None, style: Style | None = None) -> str:
    """A number, as a rule without decimals; blank for None."""
    text = "" if value is None else f"{round(value, 4):.12g}"
    return text.replace(".", (style or Style()).decimal)


def _text(content: bytes) -> str:
    for encoding in ("utf-16",) if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else ("utf-8-sig",):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            break
    return content.decode("cp1252", "replace")
