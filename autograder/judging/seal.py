"""Keep the process that judges from running anything that a student wrote.

Theory of operation. A student's texts and files reach a test as data, but a test, a helper or a library could execute
them: `eval`, `pickle.load`, `doctest`, a program that is started. Python reports such actions to audit hooks before
they happen, by whatever name the code calls them. `close` adds a hook that refuses them; it stays until the
process ends, so only the fork that judges calls it. `live.hooks` refuses the usual ways by name before, with a better
sentence.
"""

import os
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

TEST, PRELUDE = "<test>", "<prelude>"  # the names of the test's code
PROGRAMS = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "pty.spawn"})
COMPILERS = ("collections", "dataclasses", "enum", "ast", "inspect", "importlib", "typing")  # their own texts
EVALUATORS = ("typing", "annotationlib")  # they compile annotations, and must not evaluate those of a student
PARSERS = ("sympy.parsing", "numexpr", "IPython")  # other libraries that execute texts that they are given
_OURS = str(Path(__file__).parents[1])
_LIBRARY = sysconfig.get_path("stdlib")
_PACKAGES = ("site-packages", "dist-packages")

_texts: frozenset[str] = frozenset()
_folders: tuple[str, ...] = ()  # where a student's files are
_refuse: Callable[[str], Any] | None = None


def close() -> None:
    """Refuse from now on to execute texts, load pickled objects and start programs."""
    sys.addaudithook(_hook)


def allow(texts: frozenset[str], refuse: Callable[[str], Any]) -> None:
    """Let the running test execute its own texts.

    Args:
        texts: What is written in the test itself.
        refuse: Called with what another text was passed to; it ends the test.
    """
    global _texts, _refuse
    _texts, _refuse = texts, refuse


def keep_out(*folders: str) -> None:
    """Refuse to execute any file in these folders, such as a module that the notebook wrote."""
    global _folders
    _folders = tuple(os.path.realpath(folder) + os.sep for folder in folders)


def _hook(event: str, args: Any) -> None:
    if event in PROGRAMS:
        raise PermissionError("a test cannot start a program")
    if event == "pickle.find_class":
        raise PermissionError("a test cannot load objects from a pickle")
    if event == "compile" and _is_of_the_notebook(args[1]):
        raise PermissionError("a test cannot execute a file that the notebook wrote")
    if (event == "compile" and not _may_compile(sys._getframe(1), args[0])) or (
        event == "exec" and not _may_evaluate(sys._getframe(1))
    ):
        if _refuse is not None:
            _refuse("the test executes a text that is not its own")
        raise PermissionError("a test cannot execute a text that is not its own")


def _is_of_the_notebook(file: Any) -> bool:
    """Return whether a file is in a folder of a student's files; `<test>` and its like are no files."""
    file = os.fsdecode(file) if isinstance(file, str | bytes) else "<nothing>"
    return bool(_folders) and not file.startswith("<") and os.path.realpath(file).startswith(_folders)


def _may_compile(frame: Any, source: Any) -> bool:
    """Return whether the code of a frame may compile this text."""
    text = source.decode("utf-8", "replace") if isinstance(source, bytes) else source
    if text is not None and (text in _texts or text in frame.f_code.co_consts):
        return True
    file, name = frame.f_code.co_filename, str(frame.f_globals.get("__name__", ""))
    if file in (TEST, PRELUDE):
        return False
    if file.startswith((_OURS, "<frozen importlib")):
        return True
    if any(part in file for part in _PACKAGES):
        return not name.startswith(PARSERS)
    return (file.startswith(_LIBRARY) and name.startswith(COMPILERS)) or _is_importing(frame)


def _may_evaluate(frame: Any) -> bool:
    """Return whether the code of a frame may run code that was compiled before."""
    return frame.f_globals.get("__name__") not in EVALUATORS or _is_importing(frame)


def _is_importing(frame: Any) -> bool:
    """Return whether the frame runs because a library's module is loaded, which no student has written."""
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame is not None
