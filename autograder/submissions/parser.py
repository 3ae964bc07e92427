"""Bytes that a student saved → a valid notebook.

Whatever the bytes, the outcome is a notebook that nbformat finds valid, or one sentence that says what is wrong;
nothing is built before its size is known. Repairs are sentences in plain text, for instructor and student: the rooms
that say some (`placing`, `restore`) take from here what makes a student's words fit to stand in one.
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
MAX_ITEMS = 2_000_000  # lists, dicts and keys in one file: each takes some 200 bytes once parsed; numbers take 32
MAX_CELLS = 1_000
MAX_TEXT = 16 * MIB  # in all cells together
EDITORS = {"colab": "Google Colab", "vscode": "VS Code", "deepnote": "Deepnote"}  # by the metadata that they add

_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_CELL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_BLANK = "\0 \t\r\n"


def parse(content: bytes, name: str) -> tuple[NotebookNode, list[str]]:
    """Read a notebook of any format and encoding as one that is valid in format 4.5, and say what had to be mended.

    Outputs are dropped, since it will be run again, and so is all metadata but nbgrader's, the kernel's and the marks
    of editors. Raises Damaged where there is no notebook in it.
    """
    return _Reader(name).notebook(content)


class _Reader:
    """Reads one file; `said` and `counts` collect what had to be mended in the file and in its cells."""

    def __init__(self, name: str) -> None:
        self.name = printable(name)
        self.said: list[str] = []
        self.counts: Counter[str] = Counter()

    def notebook(self, content: bytes) -> tuple[NotebookNode, list[str]]:
        try:
            tree = self._tree(self._text(content), len(content))
        except RecursionError:
            self._damaged("nested too deep for a notebook")
        raw = self._raw_cells(tree)
        cells = [self._cell(cell) for cell in raw if isinstance(cell, dict)]
        self.counts["what is no cell at all was left out"] = len(raw) - len(cells)
        if sum(len(cell["source"]) for cell in cells) > MAX_TEXT:
            self._damaged(f"more than {MAX_TEXT // MIB} MiB of text in its cells")
        self._give_ids(cells)
        self.said += [f"{what} (cells: {count})." for what, count in (+self.counts).items()]
        nb = {"nbformat": 4, "nbformat_minor": 5, "metadata": _metadata(tree.get("metadata")), "cells": cells}
        return nbformat.from_dict(nb), summarize(self.said)

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
                self.said.append("damaged characters in the file were replaced.")
        if not text.strip(_BLANK):
            self._damaged("it is empty")
        if encoding != "utf-8":
            said = encoding.replace("utf", "UTF").replace("8-sig", "8 with a byte-order mark")
            self.said.append(f"the file was saved as {said}; it was read as such.")
        return text

    def _tree(self, text: str, size: int) -> dict[str, Any]:
        if _is_heavy(text) and _is_heavy(_STRING.sub("", text)):
            self._damaged("more parts than a notebook has")
        try:
            # ints as floats: an int of 5,000 digits raises. Not strict: control characters in texts do no harm
            decoder = json.JSONDecoder(parse_int=float, strict=False)
            tree, end = decoder.raw_decode(text, len(text) - len(text.lstrip()))
        except json.JSONDecodeError as error:
            self._damaged(f"not JSON ({_json_fault(text, size, error)})")
        if text[end:].strip(_BLANK):
            self.said.append("what follows after the notebook's end was left out.")
        if not isinstance(tree, dict):
            self._damaged("JSON, but no notebook")
        return tree

    def _raw_cells(self, tree: dict[str, Any]) -> list[Any]:
        """The cells of any format: in format 3 and 2 they lie in worksheets."""
        cells = tree.get("cells")
        if cells is None and isinstance(tree.get("worksheets"), list):
            self.said.append("the file was saved in an old notebook format; it was converted.")
            sheets = [sheet.get("cells") for sheet in tree["worksheets"] if isinstance(sheet, dict)]
            cells = [cell for sheet in sheets if isinstance(sheet, list) for cell in sheet]
        if not isinstance(cells, list):
            self._damaged("JSON, but no notebook (it has no cells)")
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
            self.counts["an unknown cell type was replaced"] += 1
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
        self.counts["what is no text was left out of a source"] += len(texts) < len(lines)
        self.counts["characters that no text can hold were replaced"] += clean != text
        return clean.replace("\r\n", "\n").replace("\r", "\n")

    def _give_ids(self, cells: list[dict[str, Any]]) -> None:
        """Give an id to cells without one, and to those whose id is invalid or stands further up already."""
        used: set[str] = set()
        for cell in cells:
            known = cell["id"]
            if not isinstance(known, str) or not _CELL_ID.fullmatch(known) or known in used:
                self.counts["an id that is invalid or stands there twice was replaced"] += known is not None
                cell["id"] = fresh_id("cell", used)
            used.add(cell["id"])


def _is_heavy(text: str) -> bool:
    return sum(map(text.count, "[{:")) > MAX_ITEMS or text.count(",") > 6 * MAX_ITEMS


def _json_fault(text: str, size: int, error: json.JSONDecodeError) -> str:
    if text.lstrip().startswith("<"):
        return "it is a web page"
    string = _STRING.match(text, error.pos)
    if len(text.rstrip(_BLANK)) - error.pos <= len(r"\u00e") or (string and string.end() == len(text)):
        return f"it ends in the middle, at byte {size}"
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
    """The pictures of a written answer: its reader wants them."""
    bundles = raw.items() if isinstance(raw, dict) else ()
    return {_clean(name): _bundle(bundle) for name, bundle in bundles if isinstance(bundle, dict)}


def _bundle(raw: dict[str, Any]) -> dict[str, str]:
    joined = {mime: "".join(map(str, data)) if isinstance(data, list) else data for mime, data in raw.items()}
    return {_clean(mime): _clean(data) for mime, data in joined.items() if isinstance(data, str)}
