"""nbgrader's gradebook, opened: the SQLite file of a course folder, or what `c.CourseDirectory.db_url` names instead.

Whatever keeps a database from being used is one sentence that has no password in it.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nbgrader.api import Gradebook, Student
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError

from autograder.distribution import install_command
from autograder.errors import CourseError

DRIVERS = ("psycopg", "psycopg2")  # what SQLAlchemy asks for where an address begins with postgresql
MAX_ID = Student.id.type.length  # in characters; SQLite keeps longer ones as well, PostgreSQL refuses them


@contextmanager
def opened(address: str, course_id: str, settings: Path) -> Iterator[Gradebook]:
    """The gradebook at a database's address, closed at the end; CourseError where it cannot be reached or drops out.

    `settings` is the file that names the address.
    """
    try:
        with Gradebook(address, course_id) as book:
            yield book
    except ArgumentError as error:
        said = "c.CourseDirectory.db_url is no address of a database"
        raise CourseError(f"{settings}: {said} ({_plain(error)}); write postgresql://user@host/name.") from error
    except ModuleNotFoundError as error:
        if error.name not in DRIVERS:
            raise
        said = f"{shown(address)} needs the package {error.name}, which is not installed"
        raise CourseError(f"{settings}: {said}; run `{install_command('postgresql')}`.") from error
    except (OperationalError, InterfaceError) as error:
        said = f"the gradebook {shown(address)} cannot be used ({_plain(error.orig)})"
        raise CourseError(f"{settings}: {said}; see to it, or change c.CourseDirectory.db_url.") from error


def shown(address: str) -> str:
    """An address without its password, nor its query, where one can stand as well."""
    return make_url(address).set(query={}).render_as_string(hide_password=True)


def ids_fit(book: Gradebook, students: Iterable[str]) -> None:
    """Raise CourseError for an id that this database would refuse in the middle of a class."""
    if book.engine.dialect.name == "sqlite":
        return
    for student in students:
        if len(student) > MAX_ID:
            said = (
                f"{student}: the gradebook's database takes ids of up to {MAX_ID} characters, this has {len(student)}"
            )
            raise CourseError(f"{said}; give the student's folder a shorter name.")


def _plain(error: object) -> str:
    return " ".join(str(error).split()).rstrip(".")
