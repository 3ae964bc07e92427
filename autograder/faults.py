"""What the grader leaves behind where it fails itself: tracebacks in log files of the course's `reports` folder.

    reports/autograder.log              a command that failed; one entry below the other
    reports/<assignment>/<student>.log  a submission that could not be graded; gone once it is graded without a fault

Nothing is written about foreseeable faults. Exceptions may quote what students wrote, so the texts have no control
characters; a student's id may be any name of a folder, so it is made into a plain file name.
"""

import hashlib
import logging
import re
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

from autograder.model import Result
from autograder.text import printable

FOLDER, FILE = "reports", "autograder.log"
MAX_TRACEBACK = 20_000  # characters of one, of which the end is kept: it says what happened
MAX_NAME = 60  # characters of a file name that are the student's
log = logging.getLogger(__name__)


def brief(error: BaseException) -> str:
    """Return an exception as one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(": .")


def traceback_of(error: BaseException) -> str:
    """Return an exception's traceback as text that a terminal can show."""
    text = "".join(traceback.format_exception(error))[-MAX_TRACEBACK:]
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)


def log_file(root: Path, assignment: str, student: str) -> Path:
    """Return the log file of one submission; no two students share one."""
    name = re.sub(r"[^\w.@+ -]", "_", student)[:MAX_NAME]
    if name != student:
        name += f"-{hashlib.sha256(student.encode(errors='surrogateescape')).hexdigest()[:8]}"
    return root / FOLDER / assignment / f"{name}.log"


def keep_submission_faults(root: Path, assignment: str, result: Result) -> None:
    """Write the tracebacks of a result to its log file and log an error that names it; without any, remove the file.

    A log file that cannot be written stops nothing: then the logged error says so.
    """
    path = log_file(root, assignment, result.student)
    found = dict.fromkeys(notebook.traceback for notebook in result.notebooks if notebook.traceback)
    names = ", ".join(notebook.name for notebook in result.notebooks if notebook.traceback)
    try:
        if not found:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_entry(f"{assignment}: {names}", "\n".join(found)), encoding="utf-8", errors="backslashreplace")
        where = f"{path} says where"
    except OSError as error:
        where = f"{path} cannot be written ({brief(error)})"
    if found:
        log.error("%s: the grader failed on %s, so marks are missing; %s.", printable(result.student), names, where)


def keep_command_fault(error: BaseException, command: str, root: Path | None) -> Path:
    """Append an error's traceback to the course's log file, or to a temporary one where that cannot be written.

    Returns:
        The file's path.
    """
    text = _entry(f"autograder {command}", traceback_of(error))
    if root is not None:
        try:
            return _append(root / FOLDER / FILE, text)
        except OSError:
            log.debug("no log file in the course", exc_info=True)
    with tempfile.NamedTemporaryFile(prefix="autograder-", suffix=".log", delete=False) as file:
        return _append(Path(file.name), text)


def _entry(title: str, text: str) -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC {title}\n{text}\n"


def _append(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
    return path
