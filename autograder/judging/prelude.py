"""Find the statements of the source notebook that a test needs and that no student can change: its prelude.

A statement is *trusted* if it is in a locked cell, or if it is an import outside of an answer cell. Trusted imports and
definitions are taken as they are. An assignment is taken if it calls nothing and all that it reads is in the prelude,
too. A function looks its names up when it is called, so some of them may be the student's.
"""

import ast
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autograder.judging.names import BUILTINS, Definition, Import, bound_names, changed_names, free_names


@dataclass(frozen=True, eq=False)
class Binding:
    """A top-level statement of the source notebook that assigns names, and the assignments before it."""

    statement: ast.stmt
    trusted: bool
    place: int
    before: "Mapping[str, Binding]"
    by_test: bool = False  # a value that only later tests see: tests do not run in the student's kernel

    @property
    def is_definition(self) -> bool:
        return isinstance(self.statement, Definition)


Bindings = Mapping[str, Binding]


def changed_containers(statement: ast.stmt, bindings: Bindings) -> set[str]:
    """Return the lists, dicts and sets of locked cells that a statement of a locked cell changes in place."""
    if isinstance(statement, Definition):
        return set()
    return {
        name
        for name in changed_names(statement)
        if name in bindings
        and isinstance(binding := bindings[name].statement, ast.Assign | ast.AnnAssign)
        and any(isinstance(part, ast.List | ast.Dict | ast.Set) for part in ast.walk(binding))
    }


def without_builtins(names: set[str], bindings: Bindings) -> set[str]:
    """Return the names without builtins, unless the notebook assigns the builtin's name itself."""
    return {name for name in names if name not in BUILTINS or name in bindings}


def locked_classes(bindings: Bindings) -> set[str]:
    """Return the classes of locked cells that need nothing but each other and the standard library.

    A test may meet their instances without naming them, as the result of a student's function.
    """
    classes = {name for name, one in bindings.items() if one.trusted and isinstance(one.statement, ast.ClassDef)}
    return {name for name in classes if _stands_alone(prelude_of({name}, bindings), bindings)}


def _stands_alone(prelude: Sequence[Binding], bindings: Bindings) -> bool:
    """Return whether statements read only each other's names, and import only the standard library."""
    statements = [binding.statement for binding in prelude]
    modules = {
        (alias.name if isinstance(node, ast.Import) else node.module or "").partition(".")[0]
        for statement in statements
        for node in ast.walk(statement)
        if isinstance(node, Import)
        for alias in node.names
    }
    reads = without_builtins({name for one in prelude for name in free_names([one.statement])}, bindings)
    return reads <= bound_names(statements) and modules <= sys.stdlib_module_names


def prelude_of(names: set[str], bindings: Bindings) -> list[Binding]:
    """Return the trusted statements that assign these names, and all that those need, each once and in order."""
    chosen: dict[Binding, None] = {}

    def choose(name: str, known: Bindings, asked: frozenset[Binding]) -> bool:
        """Choose the statement that assigns `name`, and all that it needs; False if it depends on student code."""
        binding = known.get(name)
        if binding is None or not binding.trusted or binding in asked or not _is_constant(binding.statement):
            return False
        before = dict(chosen)
        needs, known = _needs(binding, bindings)
        complete = [choose(need, known, asked | {binding}) for need in sorted(without_builtins(needs, known))]
        if not all(complete) and not isinstance(binding.statement, Import | Definition):
            chosen.clear()
            chosen.update(before)
            return False
        chosen[binding] = None
        return True

    for name in sorted(names):
        choose(name, bindings, frozenset())
    return sorted(chosen, key=lambda binding: binding.place)


def _needs(binding: Binding, bindings: Bindings) -> tuple[set[str], Bindings]:
    """Return the names that a prelude statement needs, and the assignments to look them up in.

    A function looks its names up in all assignments, as if it were called last.
    """
    if isinstance(binding.statement, ast.Import):  # after `import a.b`, `import a.c` adds to the same `a`
        return bound_names([binding.statement]), binding.before
    return free_names([binding.statement]), bindings if binding.is_definition else binding.before


def _is_constant(statement: ast.stmt) -> bool:
    """Return whether a statement is an import, a definition, or an assignment without calls."""
    calls = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr)
    assigns = isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign)
    return isinstance(statement, Import | Definition) or (
        assigns and not any(isinstance(node, calls) for node in ast.walk(statement))
    )
