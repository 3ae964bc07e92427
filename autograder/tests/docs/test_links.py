"""Links of the pages work where GitHub shows their source, and on the built site."""

import re

import pytest

from autograder.docs import cheat_sheet, notebooks, reference, texts
from autograder.tests.support import ROOT

PAGES = texts.DOCS / "pages"
NAMES = sorted(path.relative_to(PAGES).as_posix() for path in PAGES.rglob("*.md"))
STAND_IN = "`make docs` writes this page"
STAND_INS = [name for name in NAMES if STAND_IN in (PAGES / name).read_text(encoding="utf-8")]


def _links(text: str) -> list[str]:
    """The links of a page that lead to no other server, without those in code."""
    prose = re.sub(r"```.*?```|`[^`\n]*`", "x", text, flags=re.DOTALL)
    links = re.findall(r"\]\(([^)\s]+)\)|(?:href|src)=\"([^\"]+)\"", prose)
    return [link for pair in links for link in pair if link and not re.match(r"[a-z]+:", link)]


def _anchors(text: str) -> set[str]:
    """The anchors that GitHub gives a page's headings; for these headings MkDocs makes the same ones."""
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    titles = re.findall(r"^#+ (.+?)\s*$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name", NAMES)
def test_on_github_each_link_leads_to_a_file_and_a_heading(name: str) -> None:
    for link in _links((PAGES / name).read_text(encoding="utf-8")):
        path, _, anchor = link.partition("#")
        target = (PAGES / name).parent / path if path else PAGES / name
        assert target.resolve().is_relative_to(ROOT), link
        assert target.exists(), link
        if anchor:
            assert anchor in _anchors(target.read_text(encoding="utf-8")), link


@pytest.mark.parametrize("name", [name for name in NAMES if name not in STAND_INS])
def test_on_the_site_each_link_leads_to_a_part_of_it(name: str) -> None:
    """The build refuses a link that leads nowhere, see test_docs.py; it takes minutes."""
    for link in _links((PAGES / name).read_text(encoding="utf-8")):
        target = ((PAGES / name).parent / link.partition("#")[0]).resolve()
        assert target.is_relative_to(PAGES), link


def test_each_generated_page_with_a_link_to_it_has_a_stand_in_of_the_same_title() -> None:
    generated = reference.pages() | {"cheat-sheet.md": cheat_sheet.HEAD, "notebooks/index.md": notebooks.HEAD}
    assert list(STAND_INS) == [
        "cheat-sheet.md",
        "notebooks/index.md",
        "reference/files.md",
        "reference/settings.md",
        "reference/testing.md",
    ]
    for name in STAND_INS:
        title, _, text = (PAGES / name).read_text(encoding="utf-8").partition("\n")
        assert title == generated[name].partition("\n")[0]
        assert STAND_IN in text
        assert STAND_IN not in generated[name]
