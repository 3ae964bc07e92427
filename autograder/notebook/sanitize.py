"""Make what a student wrote, or a student's code put out, harmless before a browser opens it.

formgrader runs on the instructor's own origin, and nbgrader's exporters let markup through. So a list of what may pass:
text, the message of an error, and PNG or JPEG images whose bytes really are that. HTML, SVG, JavaScript, LaTeX, widgets
and attachments do not pass; markdown that a student may have written is shown as it was typed, character by character.
"""

import base64
import binascii
import re

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import is_locked

MAX_TEXT = 20_000  # characters of text that one output keeps
MAX_IMAGE = 4 << 20  # characters of base64 that one image keeps
MAX_OUTPUTS = 50  # outputs that one cell keeps
IMAGES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}

# MathJax looks for these in the finished page, where no escape can be seen any more; their wide twins mean nothing.
_MATH = str.maketrans({"$": "＄", "\\": "＼"})
_QUOTED = str.maketrans({"<": "‹", ">": "›", "&": "＆", "[": "［", "]": "］", "`": "ʼ"})
_MARKUP = re.compile(r"([`*_{}\[\]()#+\-.!|<>&~:])")


def inert(notebook: NotebookNode) -> NotebookNode:
    """A copy of a graded notebook that no browser can be harmed by; what the course itself wrote stays as it is."""
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
    """Markdown that shows `text` as it was typed."""
    plain = _printable(text).translate(_MATH)
    return "  \n".join(_MARKUP.sub(r"\\\1", line.strip()) for line in plain.splitlines())


def as_typed(text: str) -> str:
    """What `inert_markdown` was given; dollar signs and backslashes stay the wide twins that it has made of them."""
    return re.sub(r"\\(.)| +$", r"\1", text, flags=re.MULTILINE)


def _joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Outputs in which a stream that came in pieces is one."""
    found: list[NotebookNode] = []
    for output in outputs:
        last = found[-1] if found else None
        if last and output.output_type == last.output_type == "stream" and output.get("name") == last.get("name"):
            last["text"] = f"{last.get('text', '')}{output.get('text', '')}"[: 2 * MAX_TEXT]
        else:
            found.append(output)
    return found


def inert_sentence(text: str) -> str:
    """One of our sentences, fit for a comment whatever it quotes: nbgrader renders those as markdown, HTML and all."""
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
    """Without control characters, but for line ends, tabs and the escapes that colour a traceback."""
    return "".join(c if c.isprintable() or c in "\n\t\x1b" else "\ufffd" for c in text.replace("\r\n", "\n"))


def _image(kind: str, value: object) -> str | None:
    """The image's base64, made anew from its bytes; None if it is not what it says."""
    if not isinstance(value, str) or len(value) > MAX_IMAGE:
        return None
    try:
        content = base64.b64decode(value, validate=False)
    except (binascii.Error, ValueError):
        return None
    return base64.b64encode(content).decode() if content.startswith(IMAGES[kind]) else None
