"""Compose the source text that the grader sends to a student's kernel.

Theory of operation. A kernel has this package's modules out of its reach, so it gets the text of those that must run
there: in each of our cells, or compiled once in the process that it is a fork of (`kernels.program`). They are ordinary
modules here: they import each other, and are checked and tested like all others. In the kernel, their texts are
executed one after the other in one namespace, so imports of this package are left out, and a name that one module
defines is global in the others. No two of them may define the same name.

A kernel that is not a fork compiles the source for each test, so it has no docstrings, comments or annotations.
"""

import ast
from functools import cache
from pathlib import Path

from autograder.text import parse_python

ENCODER = "encoder.py"
MORE = ("encoder_types.py", "encoder_pandas.py")
SERVER = ("proxies.py", "shared.py", "live_encoder.py", "files.py", "requests.py", "server.py")  # a base class first
FOLDER = Path(__file__).parent


@cache
def kernel_source() -> str:
    """Return the encoder's source, to be run in a kernel: `encode_all` and its imports from the standard library.

    The rarer types' source is in it as strings, to be compiled only if needed.
    """
    types, tables = (_source(FOLDER / name) for name in MORE)
    return f"{_source(FOLDER / ENCODER)}\nMORE = {types!r}, {tables!r}\n"


@cache
def server_source() -> str:
    """Return the source that follows `kernel_source` where a test needs the notebook's objects."""
    return "\n".join(_source(FOLDER / "server" / name) for name in SERVER)


@cache
def program_source() -> str:
    """Return both, for kernels that have them compiled already."""
    return f"{kernel_source()}\n{server_source()}\n"


def _source(path: Path) -> str:
    return ast.unparse(_Compact().visit(parse_python(path.read_text("utf-8"))))


class _Compact(ast.NodeTransformer):
    """Remove what a program runs without in a kernel: docstrings, annotations, and imports of this package."""

    def visit_Module(self, node: ast.Module) -> ast.Module:
        node.body = [one for one in node.body if not _is_of_this_package(one)]
        self.generic_visit(node)
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return ast.Pass() if is_text else node  # a docstring may be all that a class has

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.Assign | None:
        self.generic_visit(node)
        return ast.copy_location(ast.Assign([node.target], node.value), node) if node.value else None

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(node.arg)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        node.returns = None
        node.body = node.body or [ast.Pass()]
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        self.generic_visit(node)
        node.body = node.body or [ast.Pass()]
        return node


def _is_of_this_package(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] == __name__.partition(".")[0]
