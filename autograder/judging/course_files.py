"""Read the course's Python files beside a notebook: what an import of one loads, and what it keeps."""

import ast
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache

from autograder.judging.machine_dependence import dependence
from autograder.notebook.source import parse


@dataclass(frozen=True)
class CourseFile:
    """A Python file of the course.

    Attributes:
        imports: The modules that it imports.
        machine: A name in it whose value depends on the machine, the time or the process; "" if there is none.
        has_state: Whether it keeps something that its functions can change.
    """

    imports: frozenset[str] = frozenset()
    machine: str = ""
    has_state: bool = False


@lru_cache(maxsize=256)
def _file(content: bytes) -> CourseFile:
    """Read a file: once, because the notebooks of a course import the same ones."""
    try:
        tree = parse(content.decode())
    except (SyntaxError, ValueError):
        return CourseFile()
    imports = frozenset(name for node in ast.walk(tree) for name in modules_of(node))
    return CourseFile(imports, dependence(tree), _has_state(tree))


class CourseFiles:
    """The files beside a notebook, by the names under which they are imported.

    Args:
        helpers: The files of the course, by name.
        edited: The names of the files that students edit.
    """

    def __init__(self, helpers: Mapping[str, bytes], edited: Collection[str]) -> None:
        self.helpers = {module_name(file): _file(content) for file, content in helpers.items() if file.endswith(".py")}
        self.edited = {module_name(file) for file in edited if file.endswith(".py")}
        self.names = {module_name(file): file for file in helpers}

    def reached(self, module: str) -> set[str]:
        """Return the files that an import loads, as names of modules."""
        return self._reached(module, set())

    def _reached(self, module: str, seen: set[str]) -> set[str]:
        parts = module.split(".")
        for known in {".".join(parts[: end + 1]) for end in range(len(parts))}:
            if known not in seen and (known in self.helpers or known in self.edited):
                seen.add(known)
                for inner in self.helpers.get(known, CourseFile()).imports:
                    self._reached(inner, seen)
        return seen


def module_name(file: str) -> str:
    """Return the name by which imports use a file: `a.b` for a/b.py, `a` for a/__init__.py."""
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def modules_of(node: ast.AST) -> list[str]:
    """Return the modules that a statement imports; what is imported from a module may be a module, too."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module:
        return [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return []


def _has_state(tree: ast.Module) -> bool:
    """Return whether a module keeps something that its functions can change."""
    kept = (ast.List, ast.Dict, ast.Set, ast.Call, ast.ListComp, ast.DictComp, ast.SetComp)
    assigned = [node.value for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign) and node.value]
    return any(isinstance(node, ast.Global) for node in ast.walk(tree)) or any(
        isinstance(part, kept) for value in assigned for part in ast.walk(value)
    )
