"""Data → pages: HTML that stands alone. Knows nothing of how the data came about.

Whatever a student wrote is escaped by the templates' engine, and a content security policy in each page forbids
scripts and every request, so that a page is inert twice over.
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

MANY = 40  # students, from which on the map of a class is a picture as well
ENOUGH = 20  # students that a statistic on a question needs to be worth a remark
HARD, FLAT = 0.3, 0.1  # difficulty and discrimination below which a question is remarked upon

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
    """The class report as one page."""
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
    """The same data as JSON."""
    return json.dumps(asdict(report), ensure_ascii=False, indent=1) + "\n"


def engine() -> Environment:
    """The templates' engine: it escapes everything, and stumbles over a name that is not there."""
    found = Environment(
        loader=PackageLoader("autograder.reports"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    found.filters |= {"num": number, "percent": _percent, "two": _two, "flag": flag}
    return found


def picture(svg: str) -> str:
    """An SVG as the address of an `<img>`, where it can neither run nor clash with anything."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def number(value: float | None) -> str:
    """Up to two decimals; nothing for None."""
    return "" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")


def flag(question: Question) -> str:
    """One remark on a question, where there are students enough for it."""
    if sum(question.outcomes[word] for word in charts.STYLE) < ENOUGH:
        return ""
    if question.discrimination is not None and question.discrimination < FLAT:
        return "does not tell who knows: read the question and its test again"
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
