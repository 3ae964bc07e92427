"""Parse the bytes of a saved notebook into a valid notebook.

For any input, the result is a notebook that nbformat accepts, or an error with one message. Sizes are checked before
anything large is built. Repairs are plain-text messages for the instructor and the student.
"""

import json
import re
from collections import Counter
from typing import Any, NoReturn

import nbformat
from nbformat import NotebookNode

from autograder.errors import Damaged
from autograder.notebook.cells import fresh_id
from autograder.text import normalize_whitespace, printable, summarize

MIB = 2**20
MAX_ITEMS = 2_000_000  # lists, dicts and keys in one file: each takes about 200 bytes after parsing, a number takes 32
MAX_CELLS = 1_000
MAX_TEXT = 16 * MIB  # in all cells together
EDITORS = {"colab": "Google Colab", "vscode": "VS Code", "deepnote": "Deepnote"}  # by the metadata key that they add

_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_CELL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_BLANK = "\0 \t\r\n"


def parse(content: bytes, name: str) -> tuple[NotebookNode, list[str]]:
    """Parse a notebook of any format and encoding, and convert it to format 4.5.

    Outputs are dropped, because the notebook will be run again. Metadata is dropped too, except nbgrader's, the
    kernel's and the keys that identify the editor.

    Args:
        content: The bytes of the file.
        name: The name of the file, for the error message.

    Returns:
        The notebook, and a message for each kind of repair.

    Raises:
        Damaged: The file is not a notebook.
    """
    return _Reader(name).notebook(content)


class _Reader:
    """Parses one file; `messages` and `counts` collect the repairs of the file and of its cells."""

    def __init__(self, name: str) -> None:
        self.name = printable(name)
        self.messages: list[str] = []
        self.counts: Counter[str] = Counter()

    def notebook(self, content: bytes) -> tuple[NotebookNode, list[str]]:
        try:
            tree = self._tree(self._text(content), len(content))
        except RecursionError:
            self._damaged("the JSON is nested too deeply")
        raw = self._raw_cells(tree)
        cells = [self._cell(cell) for cell in raw if isinstance(cell, dict)]
        self.counts["invalid cells were dropped"] = len(raw) - len(cells)
        if sum(len(cell["source"]) for cell in cells) > MAX_TEXT:
            self._damaged(f"its cells have more than {MAX_TEXT // MIB} MiB of text")
        self._give_ids(cells)
        self.messages += [f"{what} (cells: {count})." for what, count in (+self.counts).items()]
        nb = {"nbformat": 4, "nbformat_minor": 5, "metadata": _metadata(tree.get("metadata")), "cells": cells}
        return nbformat.from_dict(nb), summarize(self.messages)

    def _damaged(self, why: str) -> NoReturn:
        raise Damaged(f"{self.name}: {why}; hand in the file that Jupyter saved.") from None

    def _text(self, content: bytes) -> str:
        encoding: str = json.detect_encoding(content)
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            text = content.decode(encoding, "replace")
            beyond_ascii = sum(map(len, re.findall(r"[^\0-\x7f]+", text)))
            if encoding == "utf-8" and 2 * text.count("\ufffd") > beyond_ascii:
                encoding, text = "Latin-1", content.decode("cp1252", "replace")
            else:
                self.messages.append("damaged characters in the file were replaced with a placeholder.")
        if not text.strip(_BLANK):
            self._damaged("the file is empty")
        if encoding != "utf-8":
            detected = encoding.replace("utf", "UTF").replace("8-sig", "8 with a byte-order mark")
            self.messages.append(f"the file was decoded as {detected}; plain UTF-8 was expected.")
        return text

    def _tree(self, text: str, size: int) -> dict[str, Any]:
        if _is_heavy(text) and _is_heavy(_STRING.sub("", text)):
            self._damaged("the JSON has too many parts for a notebook")
        try:
            # Integers become floats, because an integer of 5,000 digits raises. Control characters in strings are
            # accepted, because they do no harm.
            decoder = json.JSONDecoder(parse_int=float, strict=False)
            tree, end = decoder.raw_decode(text, len(text) - len(text.lstrip()))
        except json.JSONDecodeError as error:
            self._damaged(f"not JSON ({_json_fault(text, size, error)})")
        if text[end:].strip(_BLANK):
            self.messages.append("text after the end of the notebook was dropped.")
        if not isinstance(tree, dict):
            self._damaged("valid JSON, but not a notebook")
        return tree

    def _raw_cells(self, tree: dict[str, Any]) -> list[Any]:
        """Return the cells, in any notebook format: formats 2 and 3 keep them in worksheets."""
        cells = tree.get("cells")
        if cells is None and isinstance(tree.get("worksheets"), list):
            self.messages.append("the file was saved in an old notebook format; it was converted.")
            sheets = [sheet.get("cells") for sheet in tree["worksheets"] if isinstance(sheet, dict)]
            cells = [cell for sheet in sheets if isinstance(sheet, list) for cell in sheet]
        if not isinstance(cells, list):
            self._damaged("valid JSON, but not a notebook (it has no list of cells)")
        if len(cells) > MAX_CELLS:
            self._damaged(f"more than {MAX_CELLS} cells")
        return cells

    def _cell(self, raw: dict[str, Any]) -> dict[str, Any]:
        kind, source = raw.get("cell_type"), self._source(raw.get("source", raw.get("input", "")))
        if kind == "heading":  # of format 3
            level = raw.get("level")
            kind, source = (
                "markdown",
                f"{'#' * int(level if level in (2, 3, 4, 5, 6) else 1)} {normalize_whitespace(source)}",
            )
        if kind not in ("code", "markdown", "raw"):
            kind = "code" if "outputs" in raw else "raw"
            self.counts["unknown cell types were replaced"] += 1
        cell = {"cell_type": kind, "id": raw.get("id"), "metadata": _metadata(raw.get("metadata")), "source": source}
        if kind == "code":
            return cell | {"outputs": [], "execution_count": None}
        attachments = _attachments(raw.get("attachments"))
        return cell | ({"attachments": attachments} if attachments else {})

    def _source(self, source: Any) -> str:
        lines = [source] if isinstance(source, str) else source if isinstance(source, list) else [None]
        texts = [line for line in lines if isinstance(line, str)]
        bare = len(texts) > 1 and not any(text.endswith(("\n", "\r")) for text in texts)
        text = ("\n" if bare else "").join(texts)
        clean = _clean(text)
        self.counts["lines that are not text were dropped"] += len(texts) < len(lines)
        self.counts["invalid characters were replaced"] += clean != text
        return clean.replace("\r\n", "\n").replace("\r", "\n")

    def _give_ids(self, cells: list[dict[str, Any]]) -> None:
        """Set a new id on each cell whose id is missing, invalid or already used by an earlier cell."""
        used: set[str] = set()
        for cell in cells:
            known = cell["id"]
            if not isinstance(known, str) or not _CELL_ID.fullmatch(known) or known in used:
                self.counts["invalid or duplicate cell ids were replaced"] += known is not None
                cell["id"] = fresh_id("cell", used)
            used.add(cell["id"])


def _is_heavy(text: str) -> bool:
    return sum(map(text.count, "[{:")) > MAX_ITEMS or text.count(",") > 6 * MAX_ITEMS


def _json_fault(text: str, size: int, error: json.JSONDecodeError) -> str:
    if text.lstrip().startswith("<"):
        return "the file is a web page"
    string = _STRING.match(text, error.pos)
    if len(text.rstrip(_BLANK)) - error.pos <= len(r"\u00e") or (string and string.end() == len(text)):
        return f"the file is cut off at byte {size}"
    return f"line {error.lineno}, column {error.colno}: {error.msg}"


def _clean(text: str) -> str:
    return _NO_TEXT.sub("\ufffd", text)


def _metadata(raw: Any) -> dict[str, Any]:
    raw = raw if isinstance(raw, dict) else {}
    kept: dict[str, Any] = {editor: {} for editor in EDITORS if any(key.startswith(editor) for key in raw)}
    nbgrader, kernel = _scalars(raw.get("nbgrader")), _scalars(raw.get("kernelspec"))
    if isinstance(kernel.get("name"), str):
        kept["kernelspec"] = {"name": kernel["name"], "display_name": str(kernel.get("display_name", ""))}
    return kept | ({"nbgrader": nbgrader} if nbgrader else {})


def _scalars(raw: Any) -> dict[str, Any]:
    pairs = raw.items() if isinstance(raw, dict) else ()
    kept = {_clean(key): _clean(value) if isinstance(value, str) else value for key, value in pairs}
    return {key: value for key, value in kept.items() if isinstance(value, str | bool | float)}


def _attachments(raw: Any) -> dict[str, dict[str, str]]:
    """Return the pictures of a written answer, which the instructor needs to see."""
    bundles = raw.items() if isinstance(raw, dict) else ()
    return {_clean(name): _bundle(bundle) for name, bundle in bundles if isinstance(bundle, dict)}


def _bundle(raw: dict[str, Any]) -> dict[str, str]:
    joined = {mime: "".join(map(str, data)) if isinstance(data, list) else data for mime, data in raw.items()}
    return {_clean(mime): _clean(data) for mime, data in joined.items() if isinstance(data, str)}
