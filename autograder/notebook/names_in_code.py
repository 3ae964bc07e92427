"""Read what code names, without running it: what it assigns and mentions, and whether it can see more than that.

Code sees more than the values that it names if it looks at the namespace, the numbers of cells or the frames, or uses
IPython's own syntax.
"""

import ast
import re
import symtable
from collections.abc import Iterator

from autograder.notebook.source import MAX_CODE, parse

REVEALING = frozenset(  # names and attributes by which code sees more than the values that it names
    "globals locals vars dir eval exec compile get_ipython In Out exit quit input breakpoint __import__ __main__ "
    "__name__ __builtins__ __globals__ __dict__ __subclasses__ __loader__ __spec__ user_ns user_module user_global_ns "
    "modules _getframe _current_frames currentframe f_globals f_locals f_back gi_frame cr_frame tb_frame settrace "
    "setprofile inspect gc traceback linecache ctypes".split()
)
OF_MODULES = REVEALING - frozenset(  # a module has its own namespace, and callbacks that it registers go on
    "globals locals vars dir eval exec compile get_ipython input modules __import__ __name__ __dict__ "
    "traceback inspect".split()
)
_OF_IPYTHON = re.compile(r"_+(i|ii|iii|ih|oh|dh|i?\d+)?")  # `_`, `__`, `_i`, `_3`: IPython sets them


def reveals(source: str, names: frozenset[str] = REVEALING, longest: int = MAX_CODE) -> str:
    """Return a name in the code by which it can see more than the values that it names; "" if there is none."""
    tree = _tree(source, longest)
    if tree is None:
        return "IPython's own syntax"
    for node in ast.walk(tree):
        for name in _named(node):
            if name in names:
                return name
        if names is REVEALING and (form := _revealing_form(node)):
            return form
    return ""


def _revealing_form(node: ast.AST) -> str:
    """Return what a notebook's cells must not use, other than certain names; "" if the node is none of that."""
    match node:
        case ast.Name(id=name, ctx=ast.Load() | ast.Del()) if _OF_IPYTHON.fullmatch(name):
            return name
        case ast.Await() | ast.AsyncFor() | ast.AsyncWith():
            return "await"
        case ast.alias(name="*"):
            return "import *"
    return ""


def defines(source: str) -> bool:
    """Return whether code defines a function or a class."""
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
    tree = _tree(source)
    return tree is not None and any(isinstance(node, kinds) for node in ast.walk(tree))


def assigns(source: str) -> set[str]:
    """Return the names that code assigns at the top level."""
    return {name.get_name() for name in _table(source).get_symbols() if name.is_assigned() or name.is_imported()}


def rebinds(source: str) -> set[str]:
    """Return the names that code binds anywhere; "builtins" if it may bind names there."""
    tree = _tree(source, len(source))
    nodes = ast.walk(tree) if tree else ()
    others = ast.Attribute | ast.Constant | ast.arg
    names = (
        {*_named(node)}
        for node in nodes
        if not isinstance(node, others) and not (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))
    )
    return set().union(*names)


def names_in(source: str) -> set[str]:
    """Return the notebook's names that code assigns or reads, also in functions."""
    tables, names = [_table(source)], set[str]()
    while tables:
        table = tables.pop()
        names |= {name.get_name() for name in table.get_symbols() if name.is_global() or table.get_type() == "module"}
        tables += table.get_children()
    return names


def _table(source: str) -> symtable.SymbolTable:
    tree = _tree(source)
    return symtable.symtable(source if tree else "", "<cell>", "exec")


def _named(node: ast.AST) -> Iterator[str]:
    """Yield the names in one node of a syntax tree, also those in its short texts."""
    match node:
        case ast.Name(id=name) | ast.arg(arg=name):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            yield name
        case ast.Global(names=names) | ast.Nonlocal(names=names):
            yield from names
        case ast.alias(name=name, asname=other):
            yield from name.split(".")
            yield from (other,) if other else ()
        case ast.Attribute(value=ast.Name(id="inspect"), attr="stack" | "trace"):
            yield "_getframe"  # its frames reach the notebook's
        case ast.Attribute(attr=name) if name != "__name__":  # of a class; the notebook's own is a plain name
            yield name
        case ast.ImportFrom(module=str(name)):
            yield from name.split(".")
        case ast.Constant(value=str(text)) if text.isidentifier():
            yield text


def _tree(source: str, longest: int = MAX_CODE) -> ast.Module | None:
    """Parse plain Python; return None for anything else."""
    if len(source) > longest:
        return None
    try:
        return parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
