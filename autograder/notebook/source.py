"""Answers as code: what a cell binds, whether a stub was answered, and what was typed into a cell of the course.

Nothing is run. Code is taken apart as a tree, as IPython itself would read it; what is no Python, or is made to break a
parser, is text and is compared by its lines. A stub asks for the names that it binds to `...`, and is answered as soon
as one of them is bound to more.
"""

import ast
import threading
import warnings
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from autograder.text import normalize_whitespace

MAX_CODE = 10_000  # characters; longer cells are nobody's answer and are not taken apart
MAX_READ = 40_000  # characters that IPython may go over for one cell: once more for each of its own lines
BODY_RUNS = ("time", "capture")  # cell magics whose cell runs in the notebook itself

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_one_at_a_time = threading.RLock()


def parse(source: str) -> ast.Module:
    """Parse Python source, from any thread; raises SyntaxError or ValueError as `ast.parse` does.

    Python up to 3.11.7 and 3.12.0 counts the depth of all trees under way in one place: where a collection of garbage
    lets another thread parse in the middle, both fail with a SystemError (CPython's issue 106905). So: one at a time.
    """
    with _one_at_a_time:
        return ast.parse(source)


def parse_cell(source: str) -> tuple[str, ast.Module] | None:
    """Return a cell's code as Python and its tree, IPython's own syntax as calls; None where it is neither."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "\d" in a student's text is not our concern
        try:
            return source, parse(source)
        except SyntaxError:
            code = _as_python(source)
        except (ValueError, RecursionError, MemoryError):
            return None
        try:
            tree = parse(code)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
    body = _body_that_runs(tree)
    return (code, tree) if body is None else parse_cell(body)


@lru_cache(maxsize=512)
def _as_python(source: str) -> str:
    """Translate IPython's own syntax by IPython; too much of it, and the source stays as it is."""
    from IPython.core.inputtransformer2 import TransformerManager  # takes 0.2 s, and few cells need it

    manager = TransformerManager()
    lines = f"{source}\n".splitlines(keepends=True)
    transforms: list[Any] = [*manager.cleanup_transforms, *manager.line_transforms]
    for transform in transforms:
        lines = transform(lines)
    for _ in range(MAX_READ // (len(source) + 1)):  # not by `transform_cell`: 500 lines of `!` would take it a minute
        changed, lines = manager.do_one_token_transform(lines)
        if not changed:
            return "".join(lines)
    return source


def _body_that_runs(tree: ast.Module) -> str | None:
    """Return the body of a cell under `%%time` or the like; None where the tree is no such cell's."""
    match tree.body:
        case [ast.Expr(ast.Call(func=ast.Attribute(attr="run_cell_magic"), args=[name, _, ast.Constant(str(body))]))]:
            return body if isinstance(name, ast.Constant) and name.value in BODY_RUNS else None
    return None


def _parsed(source: str) -> tuple[str, ast.Module] | None:
    """Parse a student's cell, unless it is too long."""
    return parse_cell(source) if len(source) <= MAX_CODE else None


def _dump(node: ast.AST | None) -> str:
    try:
        return ast.dump(node) if node else ""
    except RecursionError:
        return "nested too deep"


def _open(value: ast.AST | None) -> bool:
    """Is it `...`, or a dict, tuple or list of nothing else?"""
    leaves = [value]
    while leaves:
        leaf = leaves.pop()
        parts = getattr(leaf, "values" if isinstance(leaf, ast.Dict) else "elts", None)
        if parts:
            leaves += parts
        elif not (isinstance(leaf, ast.Constant) and leaf.value is ...):
            return False
    return True


def _names(target: ast.AST) -> set[str]:
    """The names that a target binds or, as `a[0] = …` and `a.b = …` do, changes."""
    found, parts = set(), [target]
    while parts:
        match parts.pop():
            case ast.Name(id=name):
                found.add(name)
            case ast.Tuple(elts=inner) | ast.List(elts=inner):
                parts += inner
            case ast.Starred(value=inner) | ast.Subscript(value=inner) | ast.Attribute(value=inner):
                parts.append(inner)
    return found


def _bound(node: ast.stmt) -> Iterator[tuple[set[str], bool]]:
    """What one statement binds by itself, each with: to more than `...`?"""
    match node:
        case ast.Assign(targets=targets, value=value):
            yield from ((_names(target), not _open(value)) for target in targets)
        case ast.AnnAssign(target=target, value=value):
            yield _names(target), value is not None and not _open(value)
        case ast.AugAssign(target=target) | ast.For(target=target) | ast.AsyncFor(target=target):
            yield _names(target), True
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=target))):  # such as a.append(…)
            yield _names(target), True
        case ast.With(items=items) | ast.AsyncWith(items=items):
            yield from ((_names(item.optional_vars), True) for item in items if item.optional_vars)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield {name}, True
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            yield {(alias.asname or alias.name).split(".")[0] for alias in names}, True


@lru_cache(maxsize=512)  # in a class most cells are alike
def bindings(source: str) -> Mapping[str, bool] | None:
    """The names that code binds, each with: to more than `...`? None where the source is not Python."""
    parsed = _parsed(source)
    found: dict[str, bool] = {}
    todo: list[ast.AST] = [parsed[1]] if parsed else []
    while todo:
        node = todo.pop()
        for names, full in _bound(node) if isinstance(node, ast.stmt) else ():
            found |= {name: full or found.get(name, False) for name in names}
        blocks = () if isinstance(node, _SCOPES) else ("body", "orelse", "handlers", "finalbody", "cases")
        todo += [part for block in blocks for part in getattr(node, block, ())]
    return found if parsed else None


def binds(bound: Mapping[str, bool], names: set[str]) -> bool:
    return any(bound.get(name) for name in names)


def assigned(source: str, name: str) -> str:
    """What code assigns to a name last, as Python writes it; "" where a part of it is still `...`."""
    parsed = _parsed(source)
    statements = parsed[1].body if parsed else []
    values = [node.value for node in statements if isinstance(node, ast.Assign | ast.AnnAssign) and _sets(node, name)]
    if not values or values[-1] is None or any(_open(part) for part in ast.walk(values[-1])):
        return ""
    return ast.unparse(values[-1])


def _sets(node: ast.Assign | ast.AnnAssign, name: str) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return any(isinstance(target, ast.Name) and target.id == name for target in targets)


def answered(source: str, stub: str, code: bool = True) -> bool:
    """Has the student put anything into the stub? An attempt that is no valid Python is an answer, too."""
    if normalize_whitespace(source) in ("", normalize_whitespace(stub)):
        return False
    if not code:
        return bool(added(source, stub))
    mine, asked = bindings(source), bindings(stub) or {}
    names = [name for name, full in asked.items() if not full]
    if mine is None or not names:  # a stub without `...`, such as a function's head, says nothing of names
        return mine is None or _code(source) != _code(stub)
    return any(mine.get(name) for name in names)


def _code(source: str) -> str:
    parsed = _parsed(source)
    return _dump(parsed[1]) if parsed else source


def lines_of(text: str) -> set[str]:
    return {normalize_whitespace(line) for line in text.splitlines()} - {""}


def added(source: str, known: str) -> str:
    """The lines that stand in the source and not in the known text, wherever that breaks its lines."""
    whole, lines = normalize_whitespace(known), lines_of(known) | {""}
    new = [line for line in source.splitlines() if normalize_whitespace(line) not in lines]
    return "\n".join(line for line in new if len(line) < 20 or normalize_whitespace(line) not in whole).strip()


def typed(source: str, known: str) -> str:
    """The statements that stand in an edited cell and not in the course's own."""
    parsed, own = _parsed(source), _parsed(known)
    if parsed is None or own is None:
        return added(source, known)
    dumps = {_dump(statement) for statement in own[1].body}
    new = [statement for statement in parsed[1].body if _dump(statement) not in dumps]
    return "\n".join(ast.get_source_segment(parsed[0], statement) or "" for statement in new)
