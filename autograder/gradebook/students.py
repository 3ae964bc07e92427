"""Enter the course's roster in nbgrader's table of students, so that formgrader and every export shows names."""

from nbgrader.api import Gradebook, Student
from sqlalchemy import select

from autograder.course.roster import Person, Roster

FIELDS = {"first_name": "first_name", "last_name": "last_name", "email": "email", "lms_user_id": "canvas_id"}


def enter_students(book: Gradebook, roster: Roster) -> None:
    """Add the roster's students to an open gradebook, and fill in what is blank; the caller commits."""
    known = {row.id: row for row in book.db.scalars(select(Student))}
    for person in roster.people:
        row = known.get(person.id)
        if row is None:
            row = Student(id=person.id)
            book.db.add(row)
        for column, name in FIELDS.items():
            if not getattr(row, column):
                setattr(row, column, getattr(person, name) or None)
    book.db.flush()


def completed(row: Person, roster: Roster) -> Person:
    """Return a student of the gradebook; what is blank there is read from the roster."""
    other = roster.by_id.get(row.id, Person(row.id))
    return Person(
        row.id,
        row.first_name or other.first_name,
        row.last_name or other.last_name,
        row.email or other.email,
        row.canvas_id or other.canvas_id,
        other.moodle_ids,
        other.full_name,
    )
