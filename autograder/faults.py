"""Write the tracebacks of the grader's own failures to log files in the course's `reports` folder.

    reports/autograder.log              commands that failed, one entry after the other
    reports/<assignment>/<student>.log  a submission that could not be graded; deleted once grading succeeds

Foreseeable errors are not logged. An exception may quote student text, so control characters are removed. A student's
id may be any folder name, so it is converted to a plain file name.
"""

import logging
import re
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

from autograder.files import digest
from autograder.model import Result
from autograder.text import normalize_whitespace, printable, visible

FOLDER, FILE = "reports", "autograder.log"
MAX_TRACEBACK = 20_000  # characters; the end is kept, because it says what happened
MAX_NAME = 60  # characters of the student's id in a file name
log = logging.getLogger(__name__)


def brief(error: BaseException) -> str:
    """Return an exception as one line that a terminal can show."""
    message = normalize_whitespace(visible(str(error), instead=" "))
    return f"{type(error).__name__}: {message}".rstrip(": .")


def traceback_of(error: BaseException) -> str:
    """Return an exception's traceback as text that a terminal can show."""
    text = "".join(traceback.format_exception(error))[-MAX_TRACEBACK:]
    return visible(text, keep="\n\t")


def log_file(root: Path, assignment: str, student: str) -> Path:
    """Return the path of a submission's log file, which is different for each student."""
    name = re.sub(r"[^\w.@+ -]", "_", student)[:MAX_NAME]
    if name != student:
        name += f"-{digest(student.encode(errors='surrogateescape'))[:8]}"
    return root / FOLDER / assignment / f"{name}.log"


def keep_submission_faults(root: Path, assignment: str, result: Result) -> None:
    """Write a result's tracebacks to its log file and log an error that names the file.

    A result without tracebacks removes the file. If the file cannot be written, the logged error says so.
    """
    path = log_file(root, assignment, result.student)
    tracebacks = dict.fromkeys(notebook.traceback for notebook in result.notebooks if notebook.traceback)
    names = ", ".join(notebook.name for notebook in result.notebooks if notebook.traceback)
    try:
        if not tracebacks:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            _entry(f"{assignment}: {names}", "\n".join(tracebacks)), encoding="utf-8", errors="backslashreplace"
        )
        where = f"see {path}"
    except OSError as error:
        where = f"{path} cannot be written ({brief(error)})"
    if tracebacks:
        log.error("%s: the grader failed on %s, so marks are missing; %s.", printable(result.student), names, where)


def keep_command_fault(error: BaseException, command: str, root: Path | None) -> Path:
    """Append an error's traceback to the course's log file, or to a temporary file if that cannot be written.

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
