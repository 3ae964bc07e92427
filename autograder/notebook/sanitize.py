"""Make students' text and output harmless before a browser shows them.

formgrader runs on the instructor's own origin, and nbgrader's exporters do not remove markup. So only a few kinds of
output are allowed: text, error messages, and pictures that are what they say they are. HTML, JavaScript and LaTeX are
removed. A widget is replaced with a sentence. Markdown that a student wrote becomes harmless HTML (`notebook.written`);
what they typed is kept in the cell's metadata. The course's own cells are as in the source notebook.
"""

import re
from collections.abc import Mapping
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_locked

from autograder.files import digest
from autograder.notebook.pictures import KINDS, SVG, picture
from autograder.notebook.written import MAX_WRITTEN, as_text, pictures_in, pictures_of, rendered
from autograder.text import visible

MAX_TEXT = 20_000  # characters of text in one output; the rest is cut off
MAX_OUTPUTS = 50  # outputs of one cell; later ones are dropped
WIDGET = "application/vnd.jupyter.widget-view+json"
WIDGET_SENTENCE = "[an interactive widget; it works when you run the cell in Jupyter]"
MAX_MARKDOWN = 60_000  # characters of Markdown of one notebook that are rendered; later cells are shown as typed
IMAGES = ("image/png", "image/jpeg")  # which nbconvert shows in every version
TYPED = "autograder_typed"  # the key of a cell's metadata

# MathJax searches the rendered page for these characters, so escaping them does not help. Their full-width forms mean
# nothing to it.
_MATH = str.maketrans({"$": "＄", "\\": "＼"})
_QUOTED = str.maketrans({"<": "‹", ">": "›", "&": "＆", "[": "［", "]": "］", "`": "ʼ"})
_REPR = re.compile(r"\w+\(.*\)…?", re.DOTALL)  # how ipywidgets writes a widget as text


def inert(notebook: NotebookNode, source: NotebookNode | None = None) -> NotebookNode:
    """Return a copy of a graded notebook that is safe to open in a browser.

    Args:
        notebook: The notebook.
        source: The notebook whose cells are the course's own: a cell with the same id and text is not changed. Without
            it, only locked cells are the course's.
    """
    copy: NotebookNode = nbformat.from_dict(notebook)
    own = {cell.get("id"): cell for cell in source.cells} if source else {}
    left = MAX_MARKDOWN
    for cell in copy.cells:
        if cell.cell_type == "code":
            cell.pop("attachments", None)
            cell.execution_count = cell.execution_count if isinstance(cell.execution_count, int) else None
            cell.outputs = [_output(output) for output in _joined(cell.outputs)[:MAX_OUTPUTS]]
        elif not is_locked(cell):
            text = cell.metadata[TYPED] = cell.source
            if not _is_same(cell, own.get(cell.get("id"))):
                pictures, left = pictures_of(cell.pop("attachments", None)), left - min(len(text), MAX_WRITTEN)
                cell.source = rendered(text, pictures) if left >= 0 else as_text(text)
    return copy


def _is_same(cell: NotebookNode, own: NotebookNode | None) -> bool:
    keys = ("cell_type", "source", "attachments")
    return own is not None and all(cell.get(key) == own.get(key) for key in keys)


def typed_text(cell: Mapping[str, Any]) -> str:
    """Return the text of a cell of a graded notebook as the student typed it."""
    typed, source = cell.get("metadata", {}).get(TYPED), "".join(cell.get("source", ""))
    if isinstance(typed, str) or cell.get("cell_type") == "code":
        return typed if isinstance(typed, str) else source
    return _unescaped(source)


def _unescaped(source: str) -> str:
    """Return what was typed into a cell that an earlier version of the grader escaped instead of rendering it."""
    return re.sub(r"\\(.)| +$", r"\1", source, flags=re.MULTILINE).translate(str.maketrans("＄＼", "$\\"))


def picture_digests(cell: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a digest of each picture in a Markdown cell of a graded notebook."""
    pictures = pictures_in("".join(cell.get("source", ""))) if TYPED in cell.get("metadata", {}) else {}
    return tuple(sorted(digest(url) for url in pictures.values()))


def typed_answer(cell: Mapping[str, Any]) -> str:
    """Return the text of a cell as typed, with digests of its pictures: answers equal in it look the same."""
    return "\n".join((typed_text(cell), *picture_digests(cell)))


def _joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Return the outputs with consecutive pieces of one stream joined."""
    joined: list[NotebookNode] = []
    for output in outputs:
        last = joined[-1] if joined else None
        if last and output.output_type == last.output_type == "stream" and output.get("name") == last.get("name"):
            last["text"] = f"{last.get('text', '')}{output.get('text', '')}"[: 2 * MAX_TEXT]
        else:
            joined.append(output)
    return joined


def inert_sentence(text: str) -> str:
    """Return a message of ours that is safe in a comment: nbgrader renders comments as Markdown with HTML."""
    return " ".join(_printable(text).translate(_MATH | _QUOTED).split())


def new_output(kind: str, **fields: object) -> NotebookNode:
    """Return an output. It is not validated here: a notebook is validated once, when it is written."""
    made: NotebookNode = nbformat.from_dict({"output_type": kind, **fields})
    return made


def _output(output: NotebookNode) -> NotebookNode:
    if output.output_type == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return new_output("stream", name=name, text=_text(output.get("text", "")))
    if output.output_type == "error":
        name, value = _text(output.get("ename", "")), _text(output.get("evalue", ""))
        lines = [_text(line) for line in output.get("traceback", [])][:100]
        return new_output("error", ename=name, evalue=value, traceback=lines)
    data = {"text/plain": _plain(output.get("data", {}))}
    data |= _pictures(output.get("data", {}))
    return new_output("display_data", data=data, metadata={})


def _plain(data: NotebookNode) -> str:
    """Return an output's text. A widget's own text only repeats its code, so a sentence takes its place."""
    text = _text(data.get("text/plain", ""))
    if WIDGET not in data:
        return text
    return WIDGET_SENTENCE if _REPR.fullmatch(text.strip()) else f"{WIDGET_SENTENCE}\n{text}".strip()


def _text(value: object) -> str:
    text = _printable(value if isinstance(value, str) else str(value))
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}\n… ({len(text) - MAX_TEXT} characters more)"


def _printable(text: str) -> str:
    """Replace control characters, except line ends, tabs and the escapes that colour a traceback."""
    return visible(text.replace("\r\n", "\n"), keep="\n\t\x1b")


def _pictures(data: NotebookNode) -> dict[str, str]:
    """Return an output's pictures: PNG and JPEG as they are, the others within HTML of ours, as an image."""
    shown: dict[str, str] = {}
    for kind in (*KINDS, SVG):
        if url := picture(kind, data.get(kind)):
            real, _, code = url.removeprefix("data:").partition(";base64,")
            shown |= {real: code} if real in IMAGES else {"text/html": f'<img src="{url}" alt="an output">'}
    return shown
