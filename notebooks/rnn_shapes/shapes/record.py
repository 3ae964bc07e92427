"""Keep the verdicts of all notebooks in a small file, and show the progress: `summary` and `progress`.

The file is in the folder .ipynb_checkpoints beside the notebooks, which is never released, handed in or committed. It
may be lost, damaged or not writable: then only this session's verdicts are known. In a browser tab, and while an
assignment is graded, nothing is written. Explanations are read from the saved notebooks.
"""

import html
import json
import re
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from shapes.answers import QUESTIONS
from shapes.output import MARKS, Shown, grading, note, same_guess, unanswered

FOLDER = Path(__file__).parents[1]  # of the notebooks
FILE = Path(".ipynb_checkpoints", "progress.json")
IN_BROWSER = sys.platform == "emscripten"  # a Python in a browser may wait for ever for a file that it writes
STUB = "*Write your answer here"  # how an explanation begins that is not written yet
GRADED = "Progress is shown while you work. Your points are on the feedback page."
ADVICE = {"right": "done", "not yet": "read its message or take a hint"}
_verdicts: dict[str, str] = {}  # this and the next two last for one session
_guesses: dict[str, bool] = {}
_stopped: dict[str, str] = {}  # a name, and the error at which the cell that sets it stopped


# --- what happened in this session ------------------------------------------------------------------------------------


def remember(question: str, kind: str) -> None:
    """Keep a question's last verdict, in the session and in the file."""
    _verdicts[question] = kind
    if grading() or _shell() is None or question not in numbered() or IN_BROWSER:
        return
    with suppress(OSError):
        path = FOLDER / FILE
        path.parent.mkdir(exist_ok=True)
        aside = path.with_name(f"{path.name}.part")
        aside.write_text(json.dumps(_saved() | {question: kind}, sort_keys=True), encoding="utf-8")
        aside.replace(path)


def last_verdict(question: str) -> str:
    """Return a question's last verdict in this session, "" if it was not checked."""
    return _verdicts.get(question, "")


def remember_guess(what: str, guess: Any, observed: Any) -> None:
    """Keep whether the first guess of a session was right; each case of a table is a guess."""
    if isinstance(observed, Mapping):
        for case in observed:
            remember_guess(
                f"{what}: {case}", guess.get(case, ...) if isinstance(guess, Mapping) else ..., observed[case]
            )
    elif not unanswered(guess):
        _guesses.setdefault(what, same_guess(guess, observed))


def stopped_at(name: str) -> str:
    """Return the error at which the last cell that sets a name stopped; "" if it ran to its end."""
    return _stopped.get(name, "")


def watch_cells() -> None:
    """Note the errors of cells, so that a check can report that the cell above it stopped; only in IPython."""
    shell = _shell()
    if shell and not grading():
        shell.events.register("post_run_cell", _note_cell)


def _shell() -> Any:
    """Return the IPython shell that runs this notebook; None outside IPython."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def _note_cell(result: Any) -> None:
    code = str(getattr(result.info, "raw_cell", ""))
    error = result.error_before_exec or result.error_in_exec
    first = " ".join(str(getattr(error, "msg", error)).split())
    for name in re.findall(r"\w+", " ".join(re.findall(r"^(\w+(?:\s*,\s*\w+)*)\s*=(?!=)", code, re.M))):
        _stopped.pop(name, None)
        if error is not None:
            _stopped[name] = f"{type(error).__name__}: {first[:117] + '…' if len(first) > 118 else first}"
    name = getattr(error, "name", None)
    if isinstance(error, NameError) and name and re.search(rf"\bcheck\(.*\b{name}\b", code):
        why = f" It stopped at an error ({_stopped[name]})." if name in _stopped else ""
        print(f"{name} is not set: run the cell above that sets it, then this one.{why}")


# --- the file and the saved notebooks ---------------------------------------------------------------------------------


def numbered() -> list[str]:
    """Return the graded questions, q1 to q12, in order."""
    return sorted((name for name in QUESTIONS if re.fullmatch(r"q\d+", name)), key=lambda name: int(name[1:]))


def _saved() -> dict[str, str]:
    """Return the verdicts in the file; none if it is missing or damaged."""
    with suppress(OSError, ValueError):
        found = json.loads((_graded_folder() / FILE).read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return {name: kind for name, kind in found.items() if name in numbered() and kind in list(MARKS)}
    return {}


def _graded_folder() -> Path:
    """Return the folder of the graded notebooks: this one, or the one beside it."""
    beside = FOLDER.parent / "rnn_shapes"
    return beside if FOLDER.name != "rnn_shapes" and beside.is_dir() else FOLDER


def explanations() -> dict[str, bool]:
    """Return for each explanation in the saved notebooks, by its question, whether it is written."""
    found = {}
    for path in sorted(_graded_folder().glob("*.ipynb")):
        with suppress(OSError, ValueError, AttributeError, LookupError, TypeError):
            for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
                name = cell.get("metadata", {}).get("nbgrader", {}).get("grade_id", "")
                if name.endswith("-why"):
                    text = "".join(cell["source"])
                    found[name.removesuffix("-why")] = STUB not in text and bool(text.partition("\n")[2].strip())
    return {question: found[question] for question in numbered() if question in found}


# --- summary and progress ---------------------------------------------------------------------------------------------


def summary(*questions: str) -> Shown:
    """Show your progress in this notebook: each question's last verdict, explanations, guesses. Shows no answer."""
    if grading():
        return note(GRADED)
    written, rows = explanations(), []
    for question in questions:
        kind = _verdicts.get(question, "not answered")
        todo = ADVICE.get(kind, "replace its ..." if question in _verdicts else "run its check")
        rows.append((label(question), f"{MARKS[kind]} {kind}", todo))
        if question in written:
            state = (
                ("● written", "marked by your instructor")
                if written[question]
                else ("○ not written", "double-click to edit")
            )
            rows.append((f"{label(question)}, in your own words", *state))
    done = sum(_verdicts.get(question) == "right" for question in questions)
    text = f"{done} of {len(questions)} questions are right."
    if set(questions) & set(written):
        text += " Save the notebook first: written answers are read from the saved file."
    if _guesses:
        text += f" Correct guesses: {sum(_guesses.values())} of {len(_guesses)}."
    return _rows_shown("Your progress", ("question", "last check", "what to do"), rows, text)


def progress() -> Shown:
    """Show how many of the graded questions are right in all notebooks, which explanations are open, what is next."""
    if grading():
        return note(GRADED)
    verdicts, written = _saved() | _verdicts, explanations()
    right = [question for question in numbered() if verdicts.get(question) == "right"]
    unwritten = [question for question, done in written.items() if not done]
    todo = [question for question in numbered() if question not in right]
    after = label(todo[0]) if todo else f"{label(unwritten[0])}, in your own words" if unwritten else "hand in"
    text = f"{len(right)} of {len(numbered())} right, {_count(len(unwritten), 'explanation')} open, next: {after}"
    known = "Verdicts are those of the last checks; explanations are read from the notebooks as you last saved them."
    if not written:
        known = "Verdicts are those of the last checks; no saved notebook with explanations was found."
    marks = " ".join(f"{label(name)} {MARKS[verdicts.get(name, 'not answered')]}" for name in numbered())
    shown = f"<p><strong>{html.escape(text)}</strong></p><p>{marks}</p><p>{html.escape(known)}</p>"
    return Shown("\n".join((text, marks, known)), shown)


def label(question: str) -> str:
    """Return a question's name as the notebooks print it: "Q2" for "q2"."""
    return question.upper() if re.fullmatch(r"q\d+", question) else question


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _rows_shown(caption: str, names: Iterable[str], rows: Iterable[tuple[str, ...]], text: str) -> Shown:
    rows = list(rows)
    widths = [max(map(len, column), default=0) + 2 for column in zip(*rows, strict=True)]
    lines = ["".join(f"{part:{width}}" for part, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    cells = ""
    for first, *others in rows:
        parts = "".join(f"<td>{html.escape(part)}</td>" for part in others)
        cells += f'<tr><th scope="row">{html.escape(first)}</th>{parts}</tr>'
    return Shown(
        "\n".join([*lines, text]), f"<table><caption>{caption}</caption><tr>{head}</tr>{cells}</table><p>{text}</p>"
    )
