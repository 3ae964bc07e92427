"""Write `report.html` and `report.json` from the gradebook and the autograded notebooks."""

from pathlib import Path

from autograder.course.course import Course
from autograder.files import write_atomically
from autograder.gradebook.graded_notebooks import Reader
from autograder.gradebook.queries import comments, table
from autograder.reports.class_statistics import ClassReport, class_report
from autograder.reports.html import report_json, report_page


def survey(course: Course, assignment: str) -> ClassReport:
    """Work out the statistics of all students in the gradebook."""
    results = table(course, assignment)
    with course.gradebook() as book:
        said = comments(book, assignment)
    reader = Reader(course, assignment)
    facts = {row.student: reader.read(row.student) for row in results.rows if row.score is not None}
    return class_report(results, facts, {where for where, found in said.items() if found.no_response})


def write_report(course: Course, assignment: str) -> list[Path]:
    """Write the page and its data into the course folder; return both paths."""
    report = survey(course, assignment)
    stem = "report" if len(course.graded()) == 1 else f"report-{assignment}"
    written = []
    for ending, text in (("html", report_page(report)), ("json", report_json(report))):
        path = course.root / f"{stem}.{ending}"
        write_atomically(path, text)
        written.append(path)
    return written
