"""Analyse the code of answers: the names that a cell binds, whether a stub was answered, what was added to a cell.

No code is run. Code is parsed as IPython would parse it. Text that is not Python, or that is made to break a parser, is
compared line by line. A stub asks for the names that it binds to `...`. It is answered when one of these names is bound
to another value.
"""

import ast
import warnings
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from autograder.text import normalize_whitespace, parse_python

MAX_CODE = 10_000  # characters; longer cells are not answers and are not parsed
MAX_READ = 40_000  # characters that IPython may scan for one cell: it scans the whole cell for each IPython line
BODY_RUNS = ("time", "capture")  # cell magics that run the rest of the cell in the notebook itself

_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def parse(source: str) -> ast.Module:
    """Parse Python source, in any thread; raise SyntaxError or ValueError as `ast.parse` does."""
    return parse_python(source)


def parse_cell(source: str) -> tuple[str, ast.Module] | None:
    """Return a cell's code as Python, and its syntax tree. IPython's own syntax becomes calls.

    Returns None if the cell is neither Python nor IPython code.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # do not warn of "\d" in a student's strings
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
    """Let IPython translate its own syntax. Return the source unchanged if it has too many such lines."""
    from IPython.core.inputtransformer2 import TransformerManager  # takes 0.2 s to import, and few cells need it

    manager = TransformerManager()
    lines = f"{source}\n".splitlines(keepends=True)
    transforms: list[Any] = [*manager.cleanup_transforms, *manager.line_transforms]
    for transform in transforms:
        lines = transform(lines)
    for _ in range(MAX_READ // (len(source) + 1)):  # `transform_cell` would take a minute for 500 lines of `!`
        changed, lines = manager.do_one_token_transform(lines)
        if not changed:
            return "".join(lines)
    return source


def _body_that_runs(tree: ast.Module) -> str | None:
    """Return the code below a cell magic such as `%%time`, or None if the cell has no such magic."""
    match tree.body:
        case [ast.Expr(ast.Call(func=ast.Attribute(attr="run_cell_magic"), args=[name, _, ast.Constant(str(body))]))]:
            return body if isinstance(name, ast.Constant) and name.value in BODY_RUNS else None
    return None


def _parsed(source: str) -> tuple[str, ast.Module] | None:
    """Parse a student's cell; return None if it is too long."""
    return parse_cell(source) if len(source) <= MAX_CODE else None


def _dump(node: ast.AST | None) -> str:
    try:
        return ast.dump(node) if node else ""
    except RecursionError:
        return "nested too deep"


def _is_placeholder(value: ast.AST | None) -> bool:
    """Return whether a value is `...`, or a dict, tuple or list that contains only `...`."""
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
    """Return the names that a target binds or, like `a[0] = …` and `a.b = …`, changes."""
    names, parts = set(), [target]
    while parts:
        match parts.pop():
            case ast.Name(id=name):
                names.add(name)
            case ast.Tuple(elts=inner) | ast.List(elts=inner):
                parts += inner
            case ast.Starred(value=inner) | ast.Subscript(value=inner) | ast.Attribute(value=inner):
                parts.append(inner)
    return names


def _bound(node: ast.stmt) -> Iterator[tuple[set[str], bool]]:
    """Yield the names that one statement itself binds, and whether it binds them to a value other than `...`."""
    match node:
        case ast.Assign(targets=targets, value=value):
            yield from ((_names(target), not _is_placeholder(value)) for target in targets)
        case ast.AnnAssign(target=target, value=value):
            yield _names(target), value is not None and not _is_placeholder(value)
        case ast.AugAssign(target=target) | ast.For(target=target) | ast.AsyncFor(target=target):
            yield _names(target), True
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=target))):  # for example a.append(…)
            yield _names(target), True
        case ast.With(items=items) | ast.AsyncWith(items=items):
            yield from ((_names(item.optional_vars), True) for item in items if item.optional_vars)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield {name}, True
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            yield {(alias.asname or alias.name).split(".")[0] for alias in names}, True


@lru_cache(maxsize=512)  # most cells of a class are the same
def bindings(source: str) -> Mapping[str, bool] | None:
    """Return the names that code binds, each with whether it is bound to a value other than `...`.

    Returns None if the source is not Python.
    """
    parsed = _parsed(source)
    bound: dict[str, bool] = {}
    todo: list[ast.AST] = [parsed[1]] if parsed else []
    while todo:
        node = todo.pop()
        for names, full in _bound(node) if isinstance(node, ast.stmt) else ():
            bound |= {name: full or bound.get(name, False) for name in names}
        blocks = () if isinstance(node, _SCOPES) else ("body", "orelse", "handlers", "finalbody", "cases")
        todo += [part for block in blocks for part in getattr(node, block, ())]
    return bound if parsed else None


def binds(bound: Mapping[str, bool], names: set[str]) -> bool:
    """Return whether one of the names is bound to a value other than `...`."""
    return any(bound.get(name) for name in names)


def assigned(source: str, name: str) -> str:
    """Return the last expression that code assigns to a name, formatted by Python; "" if it contains `...`."""
    parsed = _parsed(source)
    statements = parsed[1].body if parsed else []
    values = [node.value for node in statements if isinstance(node, ast.Assign | ast.AnnAssign) and _sets(node, name)]
    if not values or values[-1] is None or any(_is_placeholder(part) for part in ast.walk(values[-1])):
        return ""
    return ast.unparse(values[-1])


def _sets(node: ast.Assign | ast.AnnAssign, name: str) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return any(isinstance(target, ast.Name) and target.id == name for target in targets)


def answered(source: str, stub: str, code: bool = True) -> bool:
    """Return whether the student answered the stub. An attempt that is not valid Python counts as an answer, too."""
    if normalize_whitespace(source) in ("", normalize_whitespace(stub)):
        return False
    if not code:
        return bool(added(source, stub))
    mine, asked = bindings(source), bindings(stub) or {}
    names = [name for name, full in asked.items() if not full]
    if mine is None or not names:  # a stub without `...`, such as the head of a function, asks for no names
        return mine is None or _code(source) != _code(stub)
    return any(mine.get(name) for name in names)


def _code(source: str) -> str:
    parsed = _parsed(source)
    return _dump(parsed[1]) if parsed else source


def lines_of(text: str) -> set[str]:
    """Return the set of a text's lines, with whitespace normalized and without empty lines."""
    return {normalize_whitespace(line) for line in text.splitlines()} - {""}


def added(source: str, known: str) -> str:
    """Return the lines of `source` that are not in the text `known`, even if `known` breaks its lines elsewhere."""
    whole, lines = normalize_whitespace(known), lines_of(known) | {""}
    new = [line for line in source.splitlines() if normalize_whitespace(line) not in lines]
    return "\n".join(line for line in new if len(line) < 20 or normalize_whitespace(line) not in whole).strip()


def typed(source: str, known: str) -> str:
    """Return the statements of an edited cell that are not in the original, `known`."""
    parsed, own = _parsed(source), _parsed(known)
    if parsed is None or own is None:
        return added(source, known)
    dumps = {_dump(statement) for statement in own[1].body}
    new = [statement for statement in parsed[1].body if _dump(statement) not in dumps]
    return "\n".join(ast.get_source_segment(parsed[0], statement) or "" for statement in new)
