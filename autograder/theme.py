"""The mark and the colours of every page: README, documentation, class report, feedback, the course in a browser tab.

Nothing else chooses a colour for a page. Two colours carry the look, each in a shade for light and one for dark paper:
`main` for headings and links, `warm` for what needs attention. Text in them has a contrast of at least 4.5 : 1.
"""

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Theme:
    """The colours of one theme, as six-digit hexadecimal numbers.

    Attributes:
        paper: the background.
        ink: text.
        note: less important text.
        soft: the background of table heads and code.
        line: lines within a table.
        edge: lines around a part of the page.
        main: headings and links.
        warm: what needs attention.
    """

    paper: str
    ink: str
    note: str
    soft: str
    line: str
    edge: str
    main: str
    warm: str


MAIN, WARM = "#14507f", "#ffb454"  # the mark's own colours; the mark looks the same in both themes
LIGHT = Theme(
    paper="#ffffff", ink="#111111", note="#444444", soft="#f3f6f9", line="#bbbbbb", edge="#777777",
    main=MAIN, warm="#9a4a00",
)  # fmt: skip
DARK = Theme(
    paper="#1c1c1c", ink="#eeeeee", note="#cccccc", soft="#24282d", line="#666666", edge="#999999",
    main="#8cc4f0", warm=WARM,
)  # fmt: skip
ON_MAIN = "#ffffff"  # text on a bar or a cell that is filled with MAIN

_MARK = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48" role="img" aria-label="{label}">
  <rect width="48" height="48" rx="9" fill="{main}"/>
  <g fill="none" stroke="{line}" stroke-width="3" stroke-linejoin="round" stroke-linecap="round">
    <path d="M14 24h5M29 24h5M9 14v-5M24 14v-5M39 14v-5M9 39v-5M24 39v-5M39 39v-5"/>
    <rect x="4" y="17" width="10" height="14" rx="3"/>
    <rect x="19" y="17" width="10" height="14" rx="3"/>
  </g>
  <rect x="34" y="17" width="10" height="14" rx="3" fill="{warm}" stroke="{warm}" stroke-width="3"/>
</svg>
"""


def mark() -> str:
    """Return the mark as SVG: three steps in a row, of which the last is filled."""
    return _MARK.format(label="Three steps in a row; the last is filled", main=MAIN, line=ON_MAIN, warm=WARM)


def css_variables(theme: Theme) -> str:
    """Return a theme's colours as CSS declarations, such as `--paper: #ffffff;`, on one line."""
    colours = {field.name: getattr(theme, field.name) for field in fields(theme)}
    return " ".join(f"--{name}: {value};" for name, value in colours.items())
