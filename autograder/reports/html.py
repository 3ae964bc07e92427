"""Render data as self-contained HTML pages.

The template engine escapes everything that students wrote. A content security policy in each page also forbids scripts
and all requests.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from autograder import theme
from autograder.reports import charts
from autograder.reports.class_statistics import ClassReport, Question, StudentRow
from autograder.reports.outcomes import QuestionOutcome

ENOUGH = 20  # students needed before a statistic is commented on
HARD, FLAT = 0.3, 0.1  # difficulty and discrimination below which a question gets a note

CELLS = {  # the class and the sign of each outcome's cell
    QuestionOutcome.RIGHT: ("r", "●"),
    QuestionOutcome.PARTLY_RIGHT: ("p", "◐"),
    QuestionOutcome.WRONG: ("", "○"),
    QuestionOutcome.NOT_ANSWERED: ("", "–"),
    QuestionOutcome.NOT_JUDGED: ("x", "✕"),
    QuestionOutcome.NOT_MARKED: ("", "?"),
    QuestionOutcome.NOT_HANDED_IN: ("", ""),
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
            names={line.student: line.name for line in best_first if line.name},
            outcome=QuestionOutcome,
            cells={outcome: Markup(_cell(*cell)) for outcome, cell in CELLS.items()},  # ours
            legend=" · ".join(f"{sign or 'blank:'} {outcome}" for outcome, (_, sign) in CELLS.items()),
            pictures=_pictures(report, best_first),
        )
    )


def _cell(kind: str, sign: str) -> str:
    return f"<td class={kind}>{sign}" if kind else f"<td>{sign}"


def report_json(report: ClassReport) -> str:
    """Return the same data as JSON."""
    return json.dumps(asdict(report), ensure_ascii=False, indent=1) + "\n"


def engine() -> Environment:
    """Return the template engine. It escapes everything and fails on an unknown name."""
    found = Environment(
        loader=PackageLoader("autograder.reports"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    found.filters |= {"num": number, "percent": _percent, "two": _two, "flag": flag}
    found.globals |= {
        "light": theme.css_variables(theme.LIGHT),
        "dark": theme.css_variables(theme.DARK),
        "filled": theme.MAIN,
        "on_filled": theme.ON_MAIN,
        "icon": picture(theme.mark()),
        "mark": Markup(theme.mark()),  # ours
    }
    return found


def picture(svg: str) -> str:
    """Return an SVG as the address of an `<img>`, where it cannot run scripts or clash with other ids."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


def number(value: float | None) -> str:
    """Write a number with at most two decimals; nothing for None."""
    return "" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")


def flag(question: Question) -> str:
    """Return a note on a question, if enough students answered it."""
    if sum(question.outcomes[outcome] for outcome in charts.STYLE) < ENOUGH:
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
    drawn = {
        "distribution": partial(charts.distribution, scores, report.summary.max_score),
        "outcomes": partial(charts.outcomes, report.questions),
        "heat": partial(charts.heat, handed_in, names),
    }
    return {
        name: [picture(draw(width=width)) for width in (charts.WIDE, charts.NARROW)] for name, draw in drawn.items()
    }
