"""Render data as self-contained HTML pages.

The template engine escapes everything that students wrote. A content security policy in each page also forbids scripts
and all requests.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from autograder.reports import charts
from autograder.reports.class_statistics import ClassReport, Question, StudentRow

MANY = 40  # with more students than this, the class map is also a picture
ENOUGH = 20  # students needed before a statistic is commented on
HARD, FLAT = 0.3, 0.1  # difficulty and discrimination below which a question gets a note

CELLS = {
    "right": "<td class=r>●",
    "partly right": "<td class=p>◐",
    "wrong": "<td>○",
    "not answered": "<td>–",
    "no evidence": "<td class=x>✕",
    "open": "<td>?",
    "not handed in": "<td>",
}


def report_page(report: ClassReport) -> str:
    """Render the class report as one page."""
    best_first = sorted(report.lines, key=lambda line: (-(-1.0 if line.score is None else line.score), line.student))
    return (
        engine()
        .get_template("report.html")
        .render(
            report=report,
            best_first=best_first,
            places={line.student: place for place, line in enumerate(best_first)},
            cells={word: Markup(cell) for word, cell in CELLS.items()},  # ours
            pictures=_pictures(report, best_first),
        )
    )


def report_json(report: ClassReport) -> str:
    """Return the same data as JSON."""
    return json.dumps(asdict(report), ensure_ascii=False, indent=1) + "\n"


def engine() -> Environment:
    """Return the template engine. It escapes everything and fails on an unknown name."""
    found = Environment(
        loader=PackageLoader("autograder.reports"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    found.filters |= {"num": number, "percent": _percent, "two": _two, "flag": flag}
    return found


def picture(svg: str) -> str:
    """Return an SVG as the address of an `<img>`, where it cannot run scripts or clash with other ids."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def number(value: float | None) -> str:
    """Write a number with at most two decimals; nothing for None."""
    return "" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")


def flag(question: Question) -> str:
    """Return a note on a question, if enough students answered it."""
    if sum(question.outcomes[word] for word in charts.STYLE) < ENOUGH:
        return ""
    if question.discrimination is not None and question.discrimination < FLAT:
        return "does not separate students: check the question and its test"
    return "hard" if question.difficulty is not None and question.difficulty < HARD else ""


def _percent(share: float | None) -> str:
    if share is None:
        return ""
    return "< 1 %" if 0 < share < 0.005 else f"{100 * share:.0f} %"


def _two(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}".replace("-", "−")


def _pictures(report: ClassReport, best_first: list[StudentRow]) -> Mapping[str, Any]:
    handed_in = [line for line in best_first if line.score is not None]
    if not handed_in:
        return {"heat": ""}
    names = [question.name for question in report.questions]
    scores = [line.score or 0.0 for line in handed_in]
    return {
        "distribution": picture(charts.distribution(scores, report.summary.max_score)),
        "outcomes": picture(charts.outcomes(report.questions)),
        "heat": picture(charts.heat(handed_in, names)) if len(handed_in) > MANY else "",
    }
