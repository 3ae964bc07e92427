"""Render what a student wrote in Markdown as HTML that is readable, and harmless on the instructor's own origin.

nbconvert's Markdown renderer makes the HTML, and bleach keeps only a list of tags and attributes: no scripts, styles,
classes or ids. Links go to http, https or mailto addresses only. Attached pictures are within the HTML; a picture from
another address becomes a link, so that opening a page asks nobody for anything. LaTeX stays for MathJax, without the
commands that make links, styles or new commands. A tag that is not in the list is shown as the text that it is.
"""

import html
import re
from collections.abc import Callable, Iterator, Mapping
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote

from bleach.html5lib_shim import Filter
from bleach.sanitizer import Cleaner
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from autograder.notebook.pictures import picture
from autograder.text import visible

MAX_WRITTEN = 20_000  # characters of one cell that are rendered
MAX_DEPTH = 100  # tags within tags
MAX_PICTURES = 20  # of one cell
MAX_PICTURES_SIZE = 16 << 20  # characters of base64 in the pictures of one cell

TAGS = frozenset(
    "a b blockquote br code dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i img kbd li mark ol p pre s small span"
    " strong sub summary sup table tbody td th thead tr u ul".split()
)
_NUMBERS = {("img", "width"), ("img", "height"), ("ol", "start"), ("td", "colspan"), ("th", "colspan")}
_TEXTS = {("a", "href"), ("a", "title"), ("img", "src"), ("img", "alt")}
_LINK = re.compile(r"(https?|mailto):", re.IGNORECASE)
_OURS = re.compile(r"picture-(\d+)")
_SOURCE = re.compile(r"""(<img\b[^>]{0,500}?\bsrc\s*=\s*)("[^"]*"|'[^']*'|[^\s>"']+)""", re.IGNORECASE)
QUOTES = "\"'"
_DATA = re.compile(r"data:([\w/+.-]+);base64,(.*)", re.DOTALL)
_COMMANDS = re.compile(  # of MathJax: what is not a formula, or changes those of the page's other cells
    r"\\(?=(href|url|class|cssId|style|data|html\w*|require|bbox|unicode|mmlToken|let|\w*def|\w*newcommand"
    r"|\w*newenvironment|Declare\w*|csname|begingroup|endgroup)\b)"
)

_NO_FORMULA = re.compile(r"<(code|pre)>.*?</\1>|<[^>]*>", re.DOTALL)  # MathJax reads neither code nor tags

Draw = Callable[[str], tuple[str, float] | None]
"""Draws a formula: returns the address of its picture, and how far it reaches below the line in points."""


def pictures_of(attachments: object) -> dict[str, str]:
    """Return the attached pictures of a cell that are shown, as data URLs by name."""
    shown: dict[str, str] = {}
    if isinstance(attachments, Mapping):
        for name, bundle in list(attachments.items())[:MAX_PICTURES]:
            kinds = list(bundle.items())[:MAX_PICTURES] if isinstance(bundle, Mapping) else []
            found = next((url for kind, value in kinds if (url := picture(str(kind), value))), None)
            if found and sum(map(len, shown.values())) + len(found) <= MAX_PICTURES_SIZE:
                shown[str(name)] = found
    return shown


def rendered(text: str, pictures: Mapping[str, str], draw: Draw | None = None) -> str:
    """Render Markdown as harmless HTML.

    Args:
        text: What a student wrote.
        pictures: The attached pictures, as `pictures_of` returns them.
        draw: Draws a formula, for a page without MathJax. A formula that it cannot draw is shown as LaTeX.

    Returns:
        One element without empty lines, so that it can be a Markdown cell's text.
    """
    text, more = visible(text.replace("\r\n", "\n"), keep="\n\t"), max(0, len(text) - MAX_WRITTEN)
    end = f"<p>… ({more} more characters)</p>" if more else ""
    try:
        shown = _Page(pictures, draw).render(text[:MAX_WRITTEN])
    except Exception:  # the text is a student's, and may bring any parser to its limits
        return as_text(text)
    return f"<div>{_without_empty_lines(shown + end)}</div>"


def as_text(text: str) -> str:
    """Return HTML that shows a text as it is, without a word of Markdown in it."""
    shown = visible(text[:MAX_WRITTEN].replace("\r\n", "\n"), keep="\n\t")
    return f"<div>{_without_empty_lines(f'<pre>{html.escape(shown)}</pre>')}</div>"


def pictures_in(shown: str) -> dict[str, str]:
    """Return the attached pictures of a cell that `rendered` made, as data URLs by name."""
    reader = _PictureReader()
    reader.feed(shown)
    return reader.pictures


def name_pictures(text: str) -> str:
    """Return Markdown with the name of each attached picture in place of its code, for a terminal."""
    return re.sub(r"!\[[^\]]*\]\(attachment:([^)\s]*)[^)]*\)", lambda found: f"[picture: {unquote(found[1])}]", text)


class _PictureReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.pictures: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        source = found.get("src") or ""
        if tag == "img" and source.startswith("data:"):
            self.pictures[found.get("title") or ""] = source


class _Renderer(IPythonRenderer):
    """Makes HTML that is not yet harmless. Pictures keep their addresses."""

    def __init__(self, page: "_Page") -> None:
        super().__init__(escape=False, exclude_anchor_links=True)
        self.page = page

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return super(IPythonRenderer, self).image(text, url, title)

    def inline_math(self, body: str) -> str:
        return self.page.formula(body) or super().inline_math(body)

    def block_math(self, body: str) -> str:
        shown = self.page.formula(body)
        return f"<div>{shown}</div>" if shown else super().block_math(body)

    def latex_environment(self, name: str, body: str) -> str:
        shown = super().latex_environment(name, body)
        return f"<code>{shown}</code>" if self.page.draw else shown


class _Page:
    """One cell: its pictures and formulas, by the number that stands for each until the HTML is harmless."""

    def __init__(self, pictures: Mapping[str, str], draw: Draw | None) -> None:
        self.attached, self.draw = pictures, draw
        self.shown: list[dict[str, str]] = []  # the attributes of each picture

    def render(self, text: str) -> str:
        made = MarkdownWithMath(renderer=_Renderer(self)).render(text)
        made = _SOURCE.sub(lambda found: f'{found[1]}"{self._address(html.unescape(found[2]).strip(QUOTES))}"', made)
        cleaner = Cleaner(TAGS, _is_allowed, ("http", "https", "mailto"), strip_comments=True, filters=[self._last])
        shown = str(cleaner.clean(made))
        if _COMMANDS.search(html.unescape(_NO_FORMULA.sub("", shown))):
            raise ValueError("a command of MathJax written with entities or tags in it")
        return shown

    def formula(self, body: str) -> str:
        """Return the HTML of a formula that is drawn here, or "" if MathJax will do it."""
        if self.draw is None:
            return ""
        body = " ".join(body.split())
        drawn = self.draw(body)
        if drawn is None:
            return f"<code>${html.escape(body)}$</code>"
        address, below = drawn
        name = self._number({"src": address, "class": "formula", "style": f"vertical-align:{-below:.1f}pt"})
        return f'<img src="{name}" alt="{html.escape(body)}">'

    def _number(self, attributes: dict[str, str]) -> str:
        self.shown.append(attributes)
        return f"picture-{len(self.shown) - 1}"

    def _address(self, address: str) -> str:
        """Return what stands for a picture that is shown, or the address of one that is not."""
        if _OURS.fullmatch(address):
            return address
        if address.lower().startswith("attachment:"):
            name = unquote(address.partition(":")[2])
            found = self.attached.get(name)
            return self._number({"src": found, "title": name} if found else {"missing": name})
        if address.lower().startswith("data:"):
            data = _DATA.fullmatch(address)
            found = picture(data[1], unquote(data[2])) if data and len(self.shown) < MAX_PICTURES else None
            return self._number({"src": found} if found else {"missing": ""})
        return html.escape(address)

    def _last(self, source: Any) -> "_Last":
        return _Last(source, self.shown)


class _Last(Filter):  # type: ignore[misc]
    """The last step, after bleach: sets the pictures' data, and replaces those that are not shown."""

    def __init__(self, source: Any, shown: list[dict[str, str]]) -> None:
        super().__init__(source)
        self.shown, self.code, self.depth = shown, 0, 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for token in super().__iter__():
            name, kind = token.get("name"), token["type"]
            self.depth += {"StartTag": 1, "EndTag": -1}.get(kind, 0)
            if self.depth > MAX_DEPTH:
                raise ValueError("tags within tags, too many levels deep for a browser")
            if name in ("code", "pre"):
                self.code += {"StartTag": 1, "EndTag": -1}.get(kind, 0)
            if kind in ("Characters", "SpaceCharacters") and not self.code:
                token["data"] = _COMMANDS.sub("＼", token["data"])
            if kind in ("StartTag", "EmptyTag") and name == "a":
                _link(token["data"])
            if kind in ("StartTag", "EmptyTag") and name == "img":
                yield from self._picture(token)
            else:
                yield token

    def _picture(self, token: dict[str, Any]) -> Iterator[dict[str, Any]]:
        data = token["data"]
        source, alt = data.pop((None, "src"), ""), data.get((None, "alt"), "")
        ours = _OURS.fullmatch(source)
        if ours and int(ours[1]) < len(self.shown) and "src" in (attributes := self.shown[int(ours[1])]):
            data.update({(None, key): value for key, value in attributes.items()})
            yield token
        elif _LINK.match(source):
            link = {(None, "href"): source}
            _link(link)
            yield {"type": "StartTag", "name": "a", "namespace": token.get("namespace"), "data": link}
            yield {"type": "Characters", "data": f"[picture elsewhere: {alt or source}]"}
            yield {"type": "EndTag", "name": "a", "namespace": token.get("namespace")}
        else:
            yield {"type": "Characters", "data": f"[a picture that cannot be shown: {alt}]"}


def _link(data: dict[Any, str]) -> None:
    """Keep an address elsewhere; drop one of this site."""
    if not _LINK.match(data.get((None, "href"), "")):
        data.pop((None, "href"), None)
    else:
        data[None, "rel"], data[None, "target"] = "noopener noreferrer nofollow", "_blank"


def _is_allowed(tag: str, name: str, value: str) -> bool:
    return (tag, name) in _TEXTS or ((tag, name) in _NUMBERS and re.fullmatch(r"[0-9]{1,4}", value) is not None)


def _without_empty_lines(shown: str) -> str:
    """Return the same HTML without empty lines, which would end an HTML block in Markdown."""
    parts = re.split(r"(<pre>.*?</pre>)", shown, flags=re.DOTALL)
    return "".join(
        part.replace("\n", "&#10;") if i % 2 else re.sub(r"\n\s*\n", "\n", part) for i, part in enumerate(parts)
    ).strip()
