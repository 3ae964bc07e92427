"""Make students' text and output harmless before a browser shows them.

formgrader runs on the instructor's own origin, and nbgrader's exporters do not remove markup. So only a few kinds of
output are allowed: text, error messages, and images whose bytes really are PNG or JPEG. HTML, SVG, JavaScript, LaTeX,
widgets and attachments are removed. Markdown that a student may have written is shown as plain text.
"""

import base64
import binascii
import re

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_locked

MAX_TEXT = 20_000  # characters of text in one output; the rest is cut off
MAX_IMAGE = 4 << 20  # characters of base64 in one image; larger images are dropped
MAX_OUTPUTS = 50  # outputs of one cell; later ones are dropped
IMAGES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}

# MathJax searches the rendered page for these characters, so escaping them does not help. Their full-width forms mean
# nothing to it.
_MATH = str.maketrans({"$": "＄", "\\": "＼"})
_QUOTED = str.maketrans({"<": "‹", ">": "›", "&": "＆", "[": "［", "]": "］", "`": "ʼ"})
_MARKUP = re.compile(r"([`*_{}\[\]()#+\-.!|<>&~:])")


def inert(notebook: NotebookNode) -> NotebookNode:
    """Return a copy of a graded notebook that is safe to open in a browser. The course's own text is unchanged."""
    copy: NotebookNode = nbformat.from_dict(notebook)
    for cell in copy.cells:
        cell.pop("attachments", None)
        if cell.cell_type == "code":
            cell.execution_count = cell.execution_count if isinstance(cell.execution_count, int) else None
            cell.outputs = [_output(output) for output in _joined(cell.outputs)[:MAX_OUTPUTS]]
        elif not is_locked(cell):
            cell.source = inert_markdown(cell.source)
    return copy


def inert_markdown(text: str) -> str:
    """Return Markdown that a browser shows as the plain text `text`."""
    plain = _printable(text).translate(_MATH)
    return "  \n".join(_MARKUP.sub(r"\\\1", line.strip()) for line in plain.splitlines())


def as_typed(text: str) -> str:
    """Undo `inert_markdown`, except that dollar signs and backslashes stay full-width."""
    return re.sub(r"\\(.)| +$", r"\1", text, flags=re.MULTILINE)


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


def _output(output: NotebookNode) -> NotebookNode:
    made: NotebookNode
    if output.output_type == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        made = nbformat.v4.new_output("stream", name=name, text=_text(output.get("text", "")))
    elif output.output_type == "error":
        name, value = _text(output.get("ename", "")), _text(output.get("evalue", ""))
        lines = [_text(line) for line in output.get("traceback", [])][:100]
        made = nbformat.v4.new_output("error", ename=name, evalue=value, traceback=lines)
    else:
        data = {"text/plain": _text(output.get("data", {}).get("text/plain", ""))}
        data |= {kind: image for kind in IMAGES if (image := _image(kind, output.get("data", {}).get(kind)))}
        made = nbformat.v4.new_output("display_data", data=data)
    return made


def _text(value: object) -> str:
    text = _printable(value if isinstance(value, str) else str(value))
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}\n… ({len(text) - MAX_TEXT} characters more)"


def _printable(text: str) -> str:
    """Replace control characters, except line ends, tabs and the escapes that colour a traceback."""
    return "".join(c if c.isprintable() or c in "\n\t\x1b" else "\ufffd" for c in text.replace("\r\n", "\n"))


def _image(kind: str, value: object) -> str | None:
    """Return the image's base64, encoded again from its bytes, or None if its bytes are not of this type."""
    if not isinstance(value, str) or len(value) > MAX_IMAGE:
        return None
    try:
        content = base64.b64decode(value, validate=False)
    except (binascii.Error, ValueError):
        return None
    return base64.b64encode(content).decode() if content.startswith(IMAGES[kind]) else None
