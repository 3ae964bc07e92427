"""Turn the source of a test cell into plain Python, because a test is judged without IPython.

IPython's own TransformerManager reads its syntax (`%time x`, `%%capture`, `!ls`, `x?`) and makes it into calls such as
`get_ipython().run_line_magic('time', 'x')`. Each call is then replaced:
  * a magic that runs code (`%time`, `%timeit`, `%%time`, `%%timeit`, `%%capture`) by that code;
  * a magic that only displays or configures something (`%matplotlib inline`, `x?`) by nothing;
  * any other magic, and a shell command, by a `Fault`, because its effect would be missing.
Each statement keeps the line number that it has in the notebook.
"""

import ast
import re
import warnings
from collections.abc import Sequence
from typing import Any

from autograder.model import Fault
from autograder.notebook.source import MAX_READ, parse

RUN_CELL = frozenset({"time", "timeit", "capture"})  # cell magics that run the cell below them
SILENT_LINE = frozenset(
    "matplotlib load_ext reload_ext unload_ext config autoreload precision pprint xmode colors autosave pdb "
    "who whos pinfo pinfo2 psearch pdoc pdef pfile psource".split()
)
SILENT_CELL = frozenset("html HTML markdown latex svg SVG javascript js".split())
INSTEAD = {
    "cd": "use the file's path",
    "run": "import what the test needs from a module",
    "writefile": "write the file in a locked cell before the test",
    "env": "set `os.environ` in a locked cell before the test",
}
SHELL = "write it in Python, or run it in a locked cell before the test"

_TIMEIT_OPTIONS = re.compile(r"(?:-(?:[nrp]\s*\d+|[tcqov]+)\s+)*")


IDLE = Fault(0, "the test has no statement, so nobody can pass it", "add an assert")


def python_of_test(source: str) -> tuple[str, ast.Module] | list[Fault]:
    """Return a test cell as Python text and its syntax tree, without magics; or all reasons why it cannot be judged.

    The text still has IPython's calls, the tree has what they stand for. Line numbers are those of the cell.
    """
    code, tree = source, _parsed(source)
    if isinstance(tree, SyntaxError):
        code = _without_magic_syntax(source)
        tree = _parsed(code)
    if isinstance(tree, SyntaxError):
        return [Fault(tree.lineno or 0, tree.msg, "fix the test")]
    replacer = _Replacer()
    tree = ast.fix_missing_locations(replacer.visit(tree))
    if replacer.faults:
        return replacer.faults
    if replacer.cell_body is not None:
        return python_of_test(replacer.cell_body)
    return [IDLE] if _is_idle(tree) else (code, tree)


def _parsed(code: str) -> ast.Module | SyntaxError:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # do not warn of "\d" in strings
        try:
            return parse(code)
        except SyntaxError as error:
            return error
        except (ValueError, RecursionError, MemoryError) as error:
            return SyntaxError(f"the cell cannot be read ({type(error).__name__})", ("", 0, 0, ""))


def _is_idle(tree: ast.Module) -> bool:
    """Return whether code does nothing: it has no statement, or only `pass`, `...` and texts."""
    return all(
        isinstance(node, ast.Pass)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and _is_text(node.value.value))
        for node in tree.body
    )


def _is_text(value: object) -> bool:
    return value is None or value is ... or isinstance(value, str | bytes)


def _without_magic_syntax(source: str) -> str:
    """Let IPython translate its own syntax, one piece at a time, without moving any line."""
    from IPython.core.inputtransformer2 import TransformerManager  # takes 0.2 s to import, and few tests need it

    manager = TransformerManager()
    lines = f"{source}\n".splitlines(keepends=True)
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    above, lines = lines[:first], lines[first:]  # a cell magic must be in the first line
    transforms: list[Any] = [*manager.cleanup_transforms, *manager.line_transforms]
    for transform in transforms:
        lines = transform(lines)
    for _ in range(MAX_READ // (len(source) + 1) + 1):
        changed, new = manager.do_one_token_transform(lines)
        if not changed:
            break
        lines = _in_place(lines, new)
    return "".join(["\n" * len(above), *lines])


def _in_place(old: Sequence[str], new: list[str]) -> list[str]:
    """Return the new lines with empty lines after a line that IPython joined from several."""
    same = next((number for number, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), len(new))
    return [*new[: same + 1], *["\n"] * (len(old) - len(new)), *new[same + 1 :]]


class _Replacer(ast.NodeTransformer):
    """Replace the calls that IPython makes of its syntax; collect a fault for each that cannot be replaced."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.cell_body: str | None = None

    def visit_Expr(self, node: ast.Expr) -> ast.AST | list[ast.stmt]:
        match _call(node.value):
            case ("run_line_magic", ["time", rest]):
                return self._code(rest, node.lineno) or _nothing(node)
            case ("run_line_magic", ["timeit", rest]):  # it shows no value, so it is never a number of points
                body = self._code(rest[_skipped(rest) :], node.lineno)
                return ast.copy_location(ast.If(ast.Constant(True), body, []), node) if body else _nothing(node)
            case ("run_line_magic", [name, _]) if name in SILENT_LINE:
                return _nothing(node)
            case ("run_cell_magic", [name, rest, body]) if name in RUN_CELL and not self._keeps_output(name, rest):
                setup, end = (rest[_skipped(rest) :], "\nNone") if name == "timeit" else ("", "")
                self.cell_body = "\n" * (node.lineno - 1) + f"{setup}\n{body.rstrip()}{end}"
                return _nothing(node)
            case ("run_cell_magic", [name, _, _]) if name in SILENT_CELL:
                return _nothing(node)
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        match _call(node):
            case ("run_line_magic", ["time", rest]):  # as in `x = %time f()`
                code = self._code(rest, node.lineno)
                return code[0].value if len(code) == 1 and isinstance(code[0], ast.Expr) else node
            case ("run_line_magic", [name, _]):
                self._refuse(node.lineno, f"%{name}")
            case ("run_cell_magic", [name, *_]):
                self._refuse(node.lineno, f"%%{name}")
            case ("system" | "getoutput" | "getoutput_or_system", [command, *_]):
                self._refuse(node.lineno, f"!{command.split(maxsplit=1)[0] if command.split() else ''}")
        return self.generic_visit(node)

    @staticmethod
    def _keeps_output(name: str, rest: str) -> bool:
        """Return whether `%%capture NAME` keeps what the cell prints, which only IPython can."""
        return name == "capture" and any(not word.startswith("-") for word in rest.split())

    def _code(self, text: str, line: int) -> list[ast.stmt]:
        tree = _parsed(text.strip())
        if isinstance(tree, SyntaxError):
            self.faults.append(Fault(line, tree.msg, "fix the test"))
            return []
        return [ast.increment_lineno(statement, line - 1) for statement in tree.body]

    def _refuse(self, line: int, magic: str) -> None:
        name = magic.strip("%!")
        if magic.startswith("!") or name in ("bash", "sh", "system", "sx", "script"):
            what = f"`{magic}` runs a shell command, which a test cannot do"
            self.faults.append(Fault(line, what, SHELL, unsupported=True))
        else:
            fix = INSTEAD.get(name, "write it in Python")
            what = f"`{magic}` works only in a notebook, not in a test"
            self.faults.append(Fault(line, what, fix, unsupported=True))


def _nothing(node: ast.stmt) -> ast.stmt:
    return ast.copy_location(ast.Pass(), node)


def _skipped(rest: str) -> int:
    """Return how many characters of the line of `%timeit` are its options."""
    options = _TIMEIT_OPTIONS.match(rest)
    return options.end() if options else 0


def _call(node: ast.AST) -> tuple[str, list[str]] | None:
    """Return the method and the texts of a call `get_ipython().method('text', …)`, or None for any other code."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="get_ipython"), args=[]), attr=method)):
            values = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
            texts = [value for value in values if isinstance(value, str)]
            return (method, texts) if len(texts) == len(node.args) else None
    return None
