"""Make `nbgrader autograde` read submissions as `autograder grade` does.

Theory of operation. nbgrader opens and copies the files of a submission by itself: it follows links, waits for pipes
and reads devices to their end, which they do not have. It has no setting for its converter's class. So `start` of
nbgrader's class is wrapped: a converter with the hook of this module becomes a `CheckedAutograde`. This reads each
submission through `submissions.files`, and gives nbgrader a temporary folder with one empty notebook for each notebook
of the assignment. The preprocessors `Restore` and `Judge` take the submitted notebooks and files from the converter.
"""

import shutil
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path

import nbformat
from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException

from autograder.course.course import Course
from autograder.errors import Refused
from autograder.gradebook.ledger import Ledger
from autograder.gradebook.recorder import MAX_EXCHANGE_FILE
from autograder.gradebook.verdict_rows import Written, last_written
from autograder.grading.class_run import LINKED
from autograder.grading.nbgrader_preprocessors import source_notebooks
from autograder.model import Submission
from autograder.submissions.files import read_folder, read_regular
from autograder.submissions.handed_in import SECRET, TIMESTAMP, read_stamp, stamp
from autograder.submissions.identify import identify_notebooks
from autograder.text import printable

STAGED = ".autograder-submitted"  # takes the place of nbgrader's `submitted` while it runs


class CheckedAutograde(Autograde):  # type: ignore[misc]
    """nbgrader's converter, with submissions read through `submissions.files`.

    Attributes:
        placed: The content of each notebook by name; None if it was not handed in.
        others: The other files that were handed in, by name.
        repairs: What was done to the submission as a whole.
        written: What each student had written when they were last graded, by assignment, student and notebook. nbgrader
            removes these notebooks before it grades anybody.
    """

    placed: dict[str, bytes | None]
    others: dict[str, bytes]
    repairs: tuple[str, ...]
    written: dict[tuple[str, str, str], Written]

    @property
    def _input_directory(self) -> str:
        return STAGED if self._sanitizing else str(self.coursedir.autograded_directory)

    def init_notebooks(self) -> None:
        """List the submissions to grade; nbgrader calls this first."""
        course, wanted = self._course, self.coursedir.student_id
        submissions: dict[str, list[str]] = {}
        for assignment in course.assignments():
            if fnmatchcase(assignment, self.coursedir.assignment_id):
                for student in course.linked_students(assignment):
                    self.log.warning("%s: %s", printable(student), LINKED)
                students = [student for student in course.students(assignment) if fnmatchcase(student, wanted)]
                submissions |= {self._format_source(assignment, student): [] for student in students}
        self.assignments = submissions
        if not submissions:
            where = course.folder("submitted", self.coursedir.assignment_id, wanted)
            sentence = f"{printable(str(where))}: no such submission; check the names, and that no link leads to it."
            self.log.error(sentence)
            raise NbGraderException(sentence)

    def convert_notebooks(self) -> None:
        """Grade the submissions, and remove the temporary folders whatever happens."""
        self._remove_staged()
        self.written = {}
        try:
            super().convert_notebooks()
        finally:
            self._remove_staged()

    def init_destination(self, assignment_id: str, student_id: str) -> bool:
        """Read a submission and return whether it must be graded."""
        course = self._course
        folder = course.folder("submitted", assignment_id, student_id)
        files, left_out = read_folder(folder)
        sources = source_notebooks(course, assignment_id)
        self.placed, moved = identify_notebooks(files, list(sources), sources)
        submission = Submission(student_id, files, (*left_out, *moved))
        self.others, self.repairs = submission.others(self.placed), submission.repairs
        if self._sanitizing:  # the second pass finds the notebooks of the first
            graded = course.folder("autograded", assignment_id, student_id)
            for name in self.placed:
                self.written[assignment_id, student_id, name] = last_written(graded / f"{name}.ipynb")
        self._stage(folder, Path(self._format_source(assignment_id, student_id)))
        return bool(super().init_destination(assignment_id, student_id))

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        """Report what was done to the submission, and let nbgrader prepare the gradebook and the course's files."""
        for repair in self.repairs:
            self.log.warning("%s: %s", printable(student_id), repair)
        ledger = Ledger(self._course, assignment_id)
        ledger.note(student_id, notebooks={}, repairs=list(self.repairs), fingerprint="")
        super().init_assignment(assignment_id, student_id)

    @property
    def _course(self) -> Course:
        return Course.at(Path(self.coursedir.root))

    def _stage(self, folder: Path, staged: Path) -> None:
        """Write an empty notebook for each notebook of the assignment, and the files of nbgrader's exchange."""
        self._remove_staged()
        staged.mkdir(parents=True)
        names = [name for name in self.placed if fnmatchcase(name, self.coursedir.notebook_id)]
        self.notebooks = [str(staged / f"{name}.ipynb") for name in sorted(names)]
        for path in self.notebooks:
            nbformat.write(nbformat.v4.new_notebook(), path)
        moment, problem = read_stamp(folder, self._course.zone)
        self.repairs += (problem,) if problem else ()
        if moment:  # in a form that nbgrader reads as we do; it would stop at a time that it cannot read
            (staged / TIMESTAMP).write_bytes(stamp(moment))
        with suppress(Refused):
            (staged / SECRET).write_bytes(read_regular(folder / SECRET, MAX_EXCHANGE_FILE))

    def _remove_staged(self) -> None:
        """Remove the temporary folders, also those of a run that was killed."""
        root = Path(self.coursedir.root)
        for place in root.glob(str(Path(self._format_source("*", "*")).relative_to(root))):
            shutil.rmtree(place, ignore_errors=True)
            for parent in place.parents:
                if parent == root or any(parent.iterdir()):
                    break
                parent.rmdir()


def before(assignment: str, student: str, notebooks: list[str]) -> None:
    """Do nothing. This is nbgrader's `pre_convert_hook`: to find it, nbgrader imports this module, which wraps it."""


def _start(converter: Autograde) -> None:
    """Run a converter; one with our hook is checked. The class is changed here because no setting names it."""
    if converter.pre_convert_hook is before:
        converter.__class__ = CheckedAutograde
    _plain_start(converter)


_plain_start = Autograde.start
Autograde.start = _start
