"""Does a browser that opens a graded notebook, or its feedback, run what the student wrote?"""

import re
from collections.abc import Iterable
from html.parser import HTMLParser

import nbformat
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown import markdown2html


def trouble(mark: str, notebooks: Iterable[bytes], comments: Iterable[str]) -> list[str]:
    """What a browser meets: is the mark anywhere else than in plain text, or is there no page at all?

    Notebooks are shown as nbgrader's formgrader and feedback show them, and so are comments: as markdown.
    """
    exporter = HTMLExporter(template_name="classic", embed_images=False)
    pages = [markdown2html(comment) for comment in comments]
    try:
        pages += [exporter.from_notebook_node(nbformat.reads(content.decode(), 4))[0] for content in notebooks]
    except Exception:  # whatever nbconvert stumbles over
        return ["graded notebook cannot be opened"]
    return ["script runs in the browser"] * any(_Page(mark, page).alive for page in pages)


COMMANDS = re.compile(r"\\(href|url|class|cssId|style|require|unicode|bbox|data|html\w*|let|\w*def|\w*newcommand)\b")
"""What MathJax does more with than to draw a formula."""


class _Page(HTMLParser):
    """One page; text within the elements of QUIET is read by nobody but the reader."""

    QUIET = ("pre", "code", "textarea")

    def __init__(self, mark: str, page: str) -> None:
        super().__init__()
        self.mark, self.alive, self.element, self.quiet = mark, False, "", 0
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.element, self.quiet = tag, self.quiet + (tag in self.QUIET)
        self.alive |= any(self.mark in f"{value}" for _, value in attrs)

    def handle_endtag(self, tag: str) -> None:
        self.element, self.quiet = "", self.quiet - (tag in self.QUIET)

    def handle_data(self, data: str) -> None:
        math = not self.quiet and COMMANDS.search(data)
        self.alive |= self.mark in data and (bool(math) or self.element in ("script", "style", "iframe"))
