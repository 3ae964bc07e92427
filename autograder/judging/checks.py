"""Describe the check of a test that failed: its line, the values that it read, and what of it students may see.

Theory of operation. `watched` wraps the names, calls, attributes and items of each `assert` in calls of
`__seen__`, which keep the value and return it. So nothing is evaluated twice, and no student's function is called
again. Whatever a hidden line binds is marked as hidden, and so is every value that was computed with it.
"""

import ast
import builtins
import os
import types
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from autograder.evidence.display import display
from autograder.judging.credit import first_line, verdict
from autograder.judging.instrument import CALL, TRUTH, VALUE
from autograder.judging.seal import PRELUDE, TEST
from autograder.model import Outcome, Words
from autograder.text import normalize_whitespace, shorten, visible

SEEN, DONE = "__seen__", "__done__"  # names of the hooks in the test's namespace
MOST_VALUES = 6  # of a check, and as many that are hidden
MAX_EXPRESSION = 60  # characters; the value of a longer expression is not shown, only those of its parts
MAX_VALUE = 160
MAX_SOURCE = 300

_HOOKS = (VALUE, TRUTH)
_WATCHED = (ast.Name, ast.Attribute, ast.Subscript, ast.Call, ast.Await, ast.ListComp, ast.SetComp, ast.DictComp)
_NO_DATA = (types.ModuleType, types.FunctionType, types.BuiltinFunctionType, types.MethodType, type)
_OURS = str(Path(__file__).parents[1]) + os.sep
_WIRE = str(Path(__file__).parent) + os.sep  # it raises what the student's code has raised
_BUILTINS = frozenset(dir(builtins))


class Checks:
    """The checks of one test.

    Args:
        source: The test.
        hidden: The `lines` that students do not see, and the `names` that such lines bind.
        shown: Called with a value before it is displayed.
    """

    def __init__(
        self, source: str, hidden: Mapping[str, Any], shown: Callable[[Any], Any] = lambda value: value
    ) -> None:
        self.source, self.shown = source, shown
        self.lines, self.hidden = frozenset(hidden.get("lines", ())), hidden
        self.values: dict[int, dict[str, tuple[Any, bool]]] = {}

    @cached_property
    def statements(self) -> list[ast.stmt]:
        """Return the statements of the test; only a test that fails needs them."""
        return ast.parse(self.source, TEST).body

    @property
    def hooks(self) -> dict[str, Callable[..., Any]]:
        """Return the functions that the watched test calls, by name."""
        return {SEEN: self._seen, DONE: self._done}

    def _seen(self, number: int, text: str, is_hidden: bool, value: Any) -> Any:
        self.values.setdefault(number, {})[text] = (value, is_hidden)
        return value

    def _done(self, number: int, value: Any) -> bool:
        holds = bool(value)
        if holds:
            self.values.pop(number, None)  # a later visit of this assert may stop before it has read all of its parts
        return holds

    def failed(self, error: BaseException) -> dict[str, Any] | None:
        """Return what `model.Check` is made of: the check that raised `error`; None if no line of the test did."""
        frames = _frames(error)
        lines = [line for file, line in frames if file == TEST]
        if not lines:
            return None
        statement = _statement(self.statements, lines[-1])
        is_hidden = any(self._hides(line) for line in lines)
        is_assertion = isinstance(error, AssertionError)
        return self._about(statement, lines[0], is_hidden) | {
            "values": self._shown_values(statement) if isinstance(statement, ast.Assert) else [],
            "words": _words(error, frames[-1][0]) if is_assertion else Words.OTHER,
            "error": "" if is_assertion else type(error).__name__,
        }

    def last(self) -> dict[str, Any]:
        """Return the same for the last statement, whose value is the number of points."""
        statement = self.statements[-1]
        is_hidden = self._hides(statement.end_lineno or statement.lineno)
        return self._about(statement, statement.lineno, is_hidden)

    def _about(self, statement: ast.stmt, line: int, is_hidden: bool) -> dict[str, Any]:
        alike = [one for one in self.statements if _checks(one) and self._hides(one.lineno) is is_hidden]
        return {
            "line": statement.lineno,
            "source": shorten(normalize_whitespace(_text(self.source, statement)), MAX_SOURCE),
            "values": [],
            "is_hidden": is_hidden,
            "words": Words.COURSE,
            "error": "",
            "number": sum(one.lineno <= line for one in alike) or 1,
            "of": max(len(alike), 1),
        }

    def _hides(self, line: int) -> bool:
        return line in self.lines

    def _shown_values(self, statement: ast.Assert) -> list[tuple[str, str, bool]]:
        number = next(number for number, one in enumerate(_asserts(self.statements)) if one is statement)
        whole = normalize_whitespace(_text(self.source, statement.test))
        found = []
        for text, (value, is_hidden) in self.values.get(number, {}).items():
            if not (text == whole and value is False) and (displayed := self._displayed(value)):
                found.append((text, displayed, is_hidden))
        found.reverse()  # the outermost part first
        shown = [[one for one in found if one[2] is kind][:MOST_VALUES] for kind in (False, True)]
        return [one for one in found if one in shown[one[2]]]

    def _displayed(self, value: Any) -> str:
        value = self.shown(value)
        if isinstance(value, _NO_DATA):
            return ""
        try:
            return visible(shorten(normalize_whitespace(display(value)), MAX_VALUE))
        except Exception:  # whatever the class of a test does in its `__repr__`
            return ""


def watched(tree: ast.Module, source: str, hidden: frozenset[str]) -> ast.Module:
    """Return the tree of a test with hooks in its asserts, which call what `Checks.hooks` returns.

    Args:
        tree: The tree.
        source: The test.
        hidden: The names that hidden lines bind.
    """
    for number, node in enumerate(_asserts(tree.body)):
        seen = _Watcher(source, hidden, number).visit(node.test)
        node.test = _call(DONE, node.test, ast.Constant(number), seen)
    return ast.fix_missing_locations(tree)


def failed(error: AssertionError, checks: Checks, about: Mapping[str, str]) -> dict[str, Any]:
    """Return the verdict on a failed assertion.

    Args:
        error: What the test raised.
        checks: The checks of the test.
        about: The parts of the error, as `credit.parts` returns them.
    """
    check = checks.failed(error)
    result = verdict(Outcome.FAILED, 0.0, str(error), check=check, **about)
    return result if str(error) else result | _without_message(check)


def _without_message(check: Mapping[str, Any] | None) -> dict[str, str]:
    if check is None:
        return {"rationale": "an assertion failed."}
    values = ", ".join(f"{text} is {value}" for text, value, _ in check["values"])
    mistake = f"`{check['source']}` failed"
    return {"rationale": f"{mistake}{f': {values}' if values else ''}.", "mistake": f"{mistake}."}


def unusable(error: BaseException, checks: Checks) -> dict[str, Any]:
    """Return the verdict on an answer that makes a test raise another error."""
    sentence = f"the test cannot use this answer ({first_line(error)})."
    return verdict(Outcome.FAILED, 0.0, sentence, check=checks.failed(error))


def with_check(result: dict[str, Any], checks: Checks) -> dict[str, Any]:
    """Add the last line of a test, which gave less than all points, to the verdict."""
    return result | {"check": checks.last()} if result["outcome"] == Outcome.FAILED else result


class _Watcher(ast.NodeTransformer):
    """Put `__seen__` around the parts of one assert whose values are worth showing."""

    def __init__(self, source: str, hidden: frozenset[str], number: int) -> None:
        self.source, self.hidden, self.number = source, hidden, number

    def visit(self, node: Any) -> Any:
        if isinstance(node, ast.Lambda | ast.JoinedStr | ast.Constant):
            return node
        text = shorten(normalize_whitespace(_text(self.source, node)), MAX_EXPRESSION + 1)
        is_worth = isinstance(node, _WATCHED) and isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
        is_worth = is_worth and not _is_builtin(node) and len(text) <= MAX_EXPRESSION
        if (hooked := _hooked(node)) is not None:
            hooked.args = [self.visit(one) for one in hooked.args]
            return hooked
        read = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
        self._descend(node)
        if not is_worth:
            return node
        is_hidden = ast.Constant(bool(read & self.hidden))
        return _call(SEEN, node, ast.Constant(self.number), ast.Constant(text), is_hidden, node)

    def _descend(self, node: ast.AST) -> None:
        if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            node.generators[0].iter = self.visit(node.generators[0].iter)  # the only part that is evaluated here
        elif isinstance(node, ast.Call):
            self._descend_into_function(node)
            node.args = [self.visit(one) for one in node.args]
            for keyword in node.keywords:
                keyword.value = self.visit(keyword.value)
        else:
            self.generic_visit(node)

    def _descend_into_function(self, node: ast.Call) -> None:
        function: ast.AST = node.func
        if isinstance(function, ast.Call) and isinstance(function.func, ast.Name) and function.func.id == CALL:
            function = function.args[0]
        if isinstance(function, ast.Attribute):
            function.value = self.visit(function.value)


def _hooked(node: ast.AST) -> ast.Call | None:
    """Return the node if it is a hook of `instrument` around a value."""
    is_hook = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _HOOKS
    return node if is_hook else None  # type: ignore[return-value]


def _text(source: str, node: ast.AST) -> str:
    return ast.get_source_segment(source, node) or ast.unparse(node)


def _is_builtin(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in _BUILTINS


def _call(name: str, place: ast.expr, *args: ast.expr) -> ast.Call:
    call = ast.Call(ast.Name(name, ast.Load()), list(args), [])
    for node in (call, call.func, *(one for one in args if isinstance(one, ast.Constant))):
        ast.copy_location(node, place)
    return call


def _frames(error: BaseException) -> list[tuple[str, int]]:
    frames, trace = [], error.__traceback__
    while trace is not None:
        frames.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
        trace = trace.tb_next
    return frames


def _words(error: BaseException, file: str) -> Words:
    """Return whose words an assertion's message is, by the file that raised it."""
    if not str(error):
        return Words.NONE
    path = os.path.realpath(file)
    is_ours = path.startswith((_OURS, os.path.realpath(os.curdir) + os.sep)) and not path.startswith(_WIRE)
    return Words.COURSE if is_ours or file in (TEST, PRELUDE) else Words.OTHER


def _asserts(statements: list[ast.stmt]) -> list[ast.Assert]:
    module = ast.Module(statements, [])
    return [node for node in ast.walk(module) if isinstance(node, ast.Assert)]


def _statement(statements: list[ast.stmt], line: int) -> ast.stmt:
    """Return the innermost statement on a line."""
    found = statements[0]
    for node in ast.walk(ast.Module(statements, [])):
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or node.lineno):
            found = node  # `walk` comes to the inner ones later
    return found


def _checks(statement: ast.stmt) -> bool:
    """Return whether a statement at the top level checks something, and does not only define or import it."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return False
    return any(
        isinstance(node, ast.Assert | ast.Raise) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call))
        for node in ast.walk(statement)
    )
