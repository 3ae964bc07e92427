"""Read and write CSV files as spreadsheets do: separators, byte-order marks, decimal commas, formulas.

A cell that a spreadsheet would read as a formula is written with an apostrophe before it.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import CourseError, UsageError
from autograder.files import write_atomically

FORMULA = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "＝",
    "＋",
    "－",
    "＠",
)  # a spreadsheet reads the wide ones as formulas too
SEPARATORS = (",", ";", "\t")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_NUMBER = re.compile(r"-?\d+([.,]\d+)?|-")  # Moodle writes "-" where there is no value
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
        """Return the index of the first column with one of these names, ignoring case; None where there is none."""
        wanted = [name.casefold() for name in names]
        return next((i for i, name in enumerate(self.header) if name.casefold() in wanted), None)


def read_sheet(path: Path) -> CsvTable:
    """Read a CSV file of any of the usual kinds; raise CourseError where it cannot be read."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); check the name.") from error
    mark, text = content.startswith(codecs.BOM_UTF8), _text(content)
    head = text.lstrip().partition("\n")[0]
    separator = max(SEPARATORS, key=head.count)
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True) if any(row)]
    except csv.Error as error:
        what = str(error).replace("\t", "\\t")  # it quotes the separator
        raise CourseError(f"{path}: not a CSV file ({what}); export it again.") from error
    if not rows:
        raise CourseError(f"{path}: the file is empty; export it again.")
    header = tuple(name.strip() for name in rows[0])
    wide = [tuple((row + [""] * len(header))[: len(header)]) for row in rows[1:]]
    comma = separator != "," and any(_DECIMAL_COMMA.fullmatch(cell.strip()) for row in wide for cell in row)
    return CsvTable(header, tuple(wide), Style(separator, "," if comma else ".", mark))


def write_sheet(path: Path, rows: Iterable[Sequence[str]], style: Style | None = None) -> None:
    """Write rows of text in UTF-8. A failure leaves the old file as it was."""
    style = style or Style()
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=style.separator).writerows([inert_cell(cell) for cell in row] for row in rows)
    write_atomically(path, text.getvalue().encode("utf-8-sig" if style.mark else "utf-8"))


def inert_cell(cell: str) -> str:
    """Return the text without control characters, so that no spreadsheet reads it as a formula."""
    cell = _CONTROL.sub("?", cell)
    return f"'{cell}" if cell.startswith(FORMULA) and not _NUMBER.fullmatch(cell) else cell


def number_cell(value: float | None, style: Style | None = None) -> str:
    """Write a number with at most four decimals; blank for None."""
    text = "" if value is None else f"{round(value, 4):.12g}"
    return text.replace(".", (style or Style()).decimal)


def _text(content: bytes) -> str:
    for encoding in ("utf-16",) if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else ("utf-8-sig",):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            break
    return content.decode("cp1252", "replace")
