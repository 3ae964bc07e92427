"""Find out from the source notebook's syntax trees where each name in a test cell comes from.

Each name that a test reads is one of four:
  * local: the test itself assigns it before it is read (an import, an assignment, a loop), or it is a builtin;
  * *declared evidence*: the test assigns it on a line that ends in `# evidence`. The line's right-hand side is
    evaluated in the student's kernel, and its value is sent as data; no test needs such a line;
  * *prelude*: its last assignment before the test is one of these statements of the source notebook: in a locked cell
    a function, a class, or an assignment that calls nothing and reads only prelude names (sizes and constants); in any
    cell except an answer cell an import; in an earlier test an import, a function or a class. The judge runs only the
    statements that the test needs, in the notebook's order. The student's kernel cannot change them;
  * otherwise an *answer*: it comes from the student's kernel, as data or, if it is a function or another object, as a
    reference. The same goes for names that a prelude function reads from the student's code.
"""

import ast
import re
import tokenize
from collections.abc import Container, Iterable
from dataclasses import replace
from io import StringIO
from itertools import count

from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_locked, is_solution

from autograder.judging.course_files import module_name, modules_of
from autograder.judging.names import (
    BUILTINS,
    Definition,
    Import,
    bound_names,
    free_names,
    late_names,
    source_of,
    statements_of,
)
from autograder.judging.prelude import (
    Binding,
    Bindings,
    changed_containers,
    locked_classes,
    prelude_of,
    without_builtins,
)
from autograder.model import Fault, TestPlan
from autograder.notebook.cells import grade_id
from autograder.notebook.magics import python_of_test
from autograder.notebook.source import parse

MARK = "# evidence"
IMPORT = "import it in a locked cell before the test"
FILES = frozenset(
    "open Path os exists isfile glob listdir read_csv loadtxt genfromtxt load imread read_text "
    "tempfile TemporaryDirectory NamedTemporaryFile write_text savetxt save to_csv imsave savefig".split()
)
EXECUTES = frozenset(  # functions that execute or parse text: never with a text of the notebook
    "eval exec compile __import__ loads load sympify parse_expr query read_pickle import_module getattr setattr".split()
)

_MARKED = re.compile(r"#\s*evidence\s*")


def plans(
    source: NotebookNode, edited: Iterable[str] = (), bound: Iterable[str] = (), read: Iterable[str] = ()
) -> tuple[TestPlan, ...]:
    """Return the plans of all test cells of a source notebook, in order.

    Args:
        source: The source notebook.
        edited: The files that students edit. What is imported from them is an answer.
        bound: The names that the solution's answers bind, where `source` has stubs in their place.
        read: The names that the notebook needs from its tests (see `read_by_cells`), with its solutions.
    """
    theirs = {module_name(file) for file in edited}
    bindings: Bindings = {}
    places = count()
    results = []
    asked: set[str] = set()
    answers = {*bound, *bound_by_answers(source)}
    mirrored = answers | {*read, *read_by_cells(source)}
    for cell in source.cells:
        if cell.cell_type != "code":
            continue
        is_test = is_grade(cell) and not is_solution(cell)
        if is_test:
            plan = _plan(cell, bindings, theirs)
            rebinds = tuple(sorted(mirrored & plan_binds(plan)))
            own = tuple(name for name in plan.answers if name in asked)
            unlocked = tuple(name for name in plan.answers if name in answers or name not in bindings)
            results.append(replace(plan, own=own, asked=unlocked, rebinds=rebinds))
            asked = set()
        elif is_solution(cell):
            asked |= bound_names(statements_of(cell.source))
        for statement in statements_of(cell.source):
            trusted = not is_solution(cell) and (is_locked(cell) or isinstance(statement, Import))
            trusted = trusted and not _imported([statement], theirs)
            by_test = is_test and not isinstance(statement, Import | Definition)
            binding = Binding(statement, trusted and not by_test, next(places), bindings, by_test)
            changed = changed_containers(statement, bindings) if binding.trusted else set()
            bindings = {**bindings, **dict.fromkeys(bound_names([statement]) | changed, binding)}
    keep = any(plan.keep for plan in results)
    return tuple(replace(plan, keep=keep) for plan in results)


def bound_by_answers(notebook: NotebookNode) -> set[str]:
    """Return the names that the answer cells of a notebook bind."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and is_solution(cell)]
    return {name for cell in cells for name in bound_names(statements_of(cell.source))}


def read_by_cells(notebook: NotebookNode) -> set[str]:
    """Return the names that a notebook needs from its tests, if they bind them.

    These are the names that functions read, and those that a cell reads though no other cell than a test binds them.
    """
    names, bound = set[str](), set(BUILTINS)
    for cell in notebook.cells:
        if cell.cell_type == "code" and (is_solution(cell) or not is_grade(cell)):
            statements = statements_of(cell.source)
            names |= late_names(statements) | (free_names(statements) - bound)
            bound |= bound_names(statements)
    return names


def plan_binds(plan: TestPlan) -> set[str]:
    """Return the names that a test assigns or deletes at the top level, or in functions that declare them global."""
    return {
        node.id
        for node in ast.walk(parse(plan.test))
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
    } | {name for node in ast.walk(parse(plan.test)) if isinstance(node, ast.Global) for name in node.names}


def _plan(cell: NotebookNode, bindings: Bindings, theirs: Container[str]) -> TestPlan:
    code = python_of_test(cell.source)
    if isinstance(code, list):
        return _unusable(cell, code)
    if imported := _imported(code[1].body, theirs):
        what = "the test imports `{}`, which students edit (c.Autograde.exclude_overwriting)"
        return _unusable(cell, [Fault(line, what.format(module), IMPORT) for line, module in imported])
    try:
        evidence = _evidence(code[1], code[0])
    except SyntaxError as error:
        return _unusable(cell, [Fault(error.lineno or 0, error.msg, "fix the test")])
    tree = code[1]
    rest = [node for node in tree.body if node not in evidence.values()]
    needed = without_builtins(free_names(rest) - evidence.keys(), bindings)
    prelude = prelude_of(needed | locked_classes(bindings), bindings)
    called = {name for binding in prelude if binding.is_definition for name in free_names([binding.statement])}
    needed |= without_builtins(called - evidence.keys() - bound_names(rest), bindings)
    shared = {name for name in needed if name in bindings and bindings[name].by_test}
    mentioned = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    mentioned |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    return TestPlan(
        cell=grade_id(cell),
        points=float(cell.metadata.nbgrader["points"]),
        answers=tuple(sorted(name for name in needed - shared if bindings.get(name) not in prelude)),
        evidence=tuple((name, ast.unparse(node.value)) for name, node in evidence.items()),
        prelude=source_of(binding.statement for binding in prelude),
        test=_text(rest, code[0]),
        locked=tuple(binding.statement.name for binding in prelude if isinstance(binding.statement, ast.ClassDef)),
        files=bool(mentioned & FILES),
        keep=bool(shared),
        careful=bool(mentioned & EXECUTES) or _compares_identity(tree),
    )


def _imported(statements: Iterable[ast.stmt], modules: Container[str]) -> list[tuple[int, str]]:
    """Return the line and the name of each of these modules that the statements import."""
    nodes = [node for statement in statements for node in ast.walk(statement) if isinstance(node, Import)]
    return [(node.lineno, name) for node in nodes for name in modules_of(node) if name in modules]


def _unusable(cell: NotebookNode, faults: Iterable[Fault]) -> TestPlan:
    """Return the plan of a test that cannot be judged."""
    points = float(cell.metadata.nbgrader["points"])
    return TestPlan(grade_id(cell), points, (), (), "", "", faults=tuple(faults))


def _text(statements: Iterable[ast.stmt], source: str) -> str:
    """Return the source of these statements, each on the line where it is in the cell."""
    lines: list[str] = []
    whole, last = source.splitlines(), 0
    for node in statements:
        start = min([node.lineno, *(part.lineno for part in getattr(node, "decorator_list", ()))])
        end = node.end_lineno or node.lineno
        segment = "\n".join(whole[start - 1 : end]) if start > last else ast.get_source_segment(source, node) or ""
        if not _same(segment, node):
            segment = ast.get_source_segment(source, node) or ""
        if not _same(segment, node):
            segment = ast.unparse(node)
        if start == last:
            lines[-1] += f"; {segment}"
        else:
            lines += [""] * (start - len(lines) - 1) + segment.split("\n")
        last = end
    return "\n".join(lines)


def _same(segment: str, node: ast.stmt) -> bool:
    """Return whether a piece of source is this statement; it is not where a magic was taken out of a block."""
    try:
        body = parse(segment).body
    except SyntaxError:
        return False
    return len(body) == 1 and ast.dump(body[0]) == ast.dump(node)


def _compares_identity(tree: ast.Module) -> bool:
    """Return whether a test asks if two values are one object; copies of data have lost that."""
    return any(
        isinstance(operation, ast.Is | ast.IsNot) and not isinstance(operand, ast.Constant)
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        for operation, operand in zip(node.ops, node.comparators, strict=True)
    )


def imports_and_definitions(source: str) -> tuple[str, ...]:
    """Return the source of each top-level import, function and class of a cell."""
    return tuple(source_of([node]) for node in statements_of(source) if isinstance(node, Import | Definition))


def with_visible(plan: TestPlan, source: str) -> TestPlan:
    """Return a plan with what the visible part of its test imports and defines.

    Imports run before the test, too, because an answer's function may use them when the test calls it; but not where
    the test needs the name as an answer before.
    """
    visible = imports_and_definitions(source)
    bound = {one: bound_names(statements_of(one)) for one in visible if isinstance(statements_of(one)[0], Import)}
    first = tuple((one, tuple(sorted(names))) for one, names in bound.items() if not names & set(plan.answers))
    return replace(plan, visible=visible, imports=first)


# --- declared evidence --------------------------------------------------------------------------------------------


def _evidence(tree: ast.Module, source: str) -> dict[str, ast.Assign]:
    """Return the assignments marked `# evidence`, by name; SyntaxError: a mark is on any other line."""
    tokens = tokenize.generate_tokens(StringIO(source).readline)
    comments = [token for token in tokens if token.type == tokenize.COMMENT]
    marked = {token.start[0] for token in comments if _MARKED.fullmatch(token.string)}
    assignments: dict[str, ast.Assign] = {}
    seen: set[int] = set()
    for node in tree.body:
        lines = marked.intersection(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        match node:
            case ast.Assign(targets=[ast.Name(id=name)]) if lines and name in assignments:
                raise _fault(f"{name} is marked {MARK} twice; use two different names", lines)
            case ast.Assign(targets=[ast.Name(id=name)]) if lines:
                assignments[name] = node
                seen |= lines
    if marked - seen:
        raise _fault(f"a line marked {MARK} must assign one name, outside any block", marked - seen)
    return assignments


def _fault(message: str, lines: set[int]) -> SyntaxError:
    return SyntaxError(message, ("", min(lines), 0, ""))
