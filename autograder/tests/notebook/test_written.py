"""What students write is readable, and harmless whatever they write."""

import base64
import re
import struct

import nbformat
import pytest
from nbconvert import HTMLExporter

from autograder.notebook.pictures import KINDS, MAX_PICTURE, SVG, picture
from autograder.notebook.written import MAX_WRITTEN, as_text, name_pictures, pictures_in, pictures_of, rendered

PICTURES = {
    "image/png": b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 2, 3),
    "image/jpeg": b"\xff\xd8\xff\xe0\0\4ab\xff\xc0\0\x0b\x08" + struct.pack(">HH", 3, 2),
    "image/gif": b"GIF89a" + struct.pack("<HH", 2, 3),
    "image/webp": b"RIFF....WEBPVP8X" + b"\0" * 8 + b"\1\0\0\2\0\0",
    SVG: b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>',
}
URL = f"data:image/png;base64,{base64.b64encode(PICTURES['image/png']).decode()}"


def _code(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.mark.parametrize("kind", PICTURES)
def test_pictures_are_known_by_their_bytes(kind: str) -> None:
    assert picture("image/png", _code(PICTURES[kind])) == f"data:{kind};base64,{_code(PICTURES[kind])}"


def test_the_text_of_an_svg_is_a_picture_too() -> None:
    assert picture(SVG, PICTURES[SVG].decode()) == f"data:{SVG};base64,{_code(PICTURES[SVG])}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_that_is_cut_short_is_none(kind: str) -> None:
    assert picture(kind, _code(PICTURES[kind][:8])) is None


def test_pictures_have_bounds() -> None:
    wide = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 100_000, 100_000)
    entities = b'<!DOCTYPE svg><svg><!ENTITY a "b"></svg>'
    for content in (wide, b"<html><svg>", entities, b"no picture"):
        assert picture("image/png", _code(content)) is None
    assert picture("image/png", "A" * (MAX_PICTURE + 1)) is None
    assert picture("image/png", "?") is None
    assert picture("image/png", None) is None


def test_attachments_are_kept_by_name_within_a_share() -> None:
    assert pictures_of({"a": {"image/png": _code(PICTURES["image/png"])}, "b": {"image/png": "x"}, "c": 3}) == {
        "a": URL
    }
    assert pictures_of("none") == {}
    large = _code(PICTURES["image/png"] + b"\0" * (MAX_PICTURE * 3 // 4 - 99))
    assert len(pictures_of({str(n): {"image/png": large} for n in range(9)})) == 2


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("# A *b*\n\n* c", "<h1>A <em>b</em></h1>\n<ul>\n<li>c</li>\n</ul>"),
        ("$a<b$ and $$c$$", "<p>$a&lt;b$ and $$c$$</p>"),
        ("\\begin{align}a\\end{align}", "<p>\\begin{align}a\\end{align}</p>"),
        ("$\\href{x}{y}$ `\\href`", "<p>$＼href{x}{y}$ <code>\\href</code></p>"),
        (
            "[a](https://b.c)",
            '<p><a href="https://b.c" rel="noopener noreferrer nofollow" target="_blank">a</a></p>',
        ),
        ("[a](javascript:alert(1)) [b](/hub/logout)", "<p><a>a</a> <a>b</a></p>"),
        ("![p](attachment:p.png)", f'<p><img alt="p" src="{URL}" title="p.png"></p>'),
        ('<img src="attachment:p.png" width=30 onload=x>', f'<img width="30" src="{URL}" title="p.png">'),
        (f"![p]({URL})", f'<p><img alt="p" src="{URL}"></p>'),
        ("![p](attachment:q.png)", "<p>[a picture that cannot be shown: p]</p>"),
        (
            "![p](https://b.c/x.png)",
            '<p><a href="https://b.c/x.png" rel="noopener noreferrer nofollow" target="_blank">'
            "[picture elsewhere: p]</a></p>",
        ),
        ("a <script>b</script>", "<p>a &lt;script&gt;b&lt;/script&gt;</p>"),
        ('<b id="a" class="b" style="c" onclick="d">e</b>', "<p><b>e</b></p>"),
        ("```\na\n\nb\n```", "<pre><code>a&#10;&#10;b&#10;</code></pre>"),
    ],
)
def test_markdown_is_readable_and_harmless(text: str, shown: str) -> None:
    made = rendered(text, {"p.png": URL})
    assert made == f"<div>{shown}</div>"
    page = HTMLExporter(template_name="classic").from_notebook_node(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(made)])
    )[0]
    assert re.sub(r"\s", "", shown.partition(">")[2][:7]) in re.sub(r"\s", "", page), "nbconvert leaves it as it is"


def test_a_command_hidden_in_entities_makes_the_answer_plain_text() -> None:
    assert rendered("<p>$\\hr&#x65;f{x}{y}$</p>", {}).startswith("<div><pre>")


@pytest.mark.parametrize("text", ["<div>" * 3_000, "<b>" * 3_000, ">" * 3_000])
def test_what_is_nested_too_deep_is_plain_text_or_flat(text: str) -> None:
    shown = rendered(text, {})
    assert shown.count("<b>") + shown.count("<div>") + shown.count("<blockquote>") < 120


def test_long_answers_are_cut() -> None:
    assert "… (5 more characters)" in rendered("a" * (MAX_WRITTEN + 5), {})
    assert len(as_text("a" * (MAX_WRITTEN + 5))) < MAX_WRITTEN + 50


def test_pictures_are_found_again_by_name() -> None:
    assert pictures_in(rendered("![p](attachment:my%20p.png)", {"my p.png": URL})) == {"my p.png": URL}


def test_a_terminal_has_the_names_of_pictures() -> None:
    assert name_pictures("see ![a b](attachment:my%20p.png)!") == "see [picture: my p.png]!"
