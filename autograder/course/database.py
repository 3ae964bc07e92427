"""Open nbgrader's gradebook: the SQLite file of a course folder, or the database that `c.CourseDirectory.db_url` names.

If a database cannot be used, the error is one sentence, which never includes the password.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nbgrader.api import Gradebook, Student
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError

from autograder.distribution import install_command
from autograder.errors import CourseError

DRIVERS = ("psycopg", "psycopg2")  # the packages that SQLAlchemy imports for a postgresql address
FILE_PROBLEMS = {  # what SQLite says, and what to do
    "locked": "another program is writing it: close that program",
    "full": "free some space on the disk",
    "readonly": "make the file and its folder writable, or use a copy of the course",
    "disk I/O": "check the disk",
}
MAX_ID = Student.id.type.length  # in characters; SQLite accepts longer ids, PostgreSQL does not


@contextmanager
def opened(address: str, course_id: str, settings: Path) -> Iterator[Gradebook]:
    """Open the gradebook at a database address, and close it at the end.

    `settings` is the file that sets the address. Raises CourseError if the database cannot be reached or disconnects.
    """
    try:
        with Gradebook(address, course_id) as book:
            yield book
    except ArgumentError as error:
        problem = "c.CourseDirectory.db_url is not a database address"
        raise CourseError(
            f"{settings}: {problem} ({_plain(error)}); use the form postgresql://user@host/name."
        ) from error
    except ModuleNotFoundError as error:
        if error.name not in DRIVERS:
            raise
        problem = f"{shown(address)} needs the package {error.name}, which is not installed"
        raise CourseError(f"{settings}: {problem}; run `{install_command('postgresql')}`.") from error
    except (OperationalError, InterfaceError) as error:
        problem = f"the gradebook {shown(address)} cannot be used ({_plain(error.orig)})"
        raise CourseError(f"{settings}: {problem}; {_advice(address, str(error.orig))}.") from error


def shown(address: str) -> str:
    """Return an address without its password and query, because a query can contain a password too."""
    return make_url(address).set(query={}).render_as_string(hide_password=True)


def ids_fit(book: Gradebook, students: Iterable[str]) -> None:
    """Raise CourseError if an id is too long for this database, before a class is graded."""
    if book.engine.dialect.name == "sqlite":
        return
    for student in students:
        if len(student) > MAX_ID:
            limit = f"accepts ids of at most {MAX_ID} characters, and this one has {len(student)}"
            problem = f"{student}: the gradebook's database {limit}"
            raise CourseError(f"{problem}; give the student's folder a shorter name.")


def _advice(address: str, message: str) -> str:
    """Return what to do about a database that cannot be used."""
    if make_url(address).get_backend_name() != "sqlite":
        return "check that the database server is running, or change c.CourseDirectory.db_url"
    for part, advice in FILE_PROBLEMS.items():
        if part in message:
            return f"{advice}, and run the command again. Nothing that was saved before is lost"
    return "check that you can write this file and its folder"


def _plain(error: object) -> str:
    return " ".join(str(error).split()).rstrip(".")
