"""Find what in code depends on the machine, the time, the person or the process, so that no two runs of it agree.

Only names are looked at: code that hides what it calls is found by the experiments of `grading.givens`.
"""

import ast
from collections.abc import Iterator

MACHINE = frozenset(  # names that depend on the time, the machine, the person or the process
    "now today utcnow localtime gmtime ctime time_ns perf_counter perf_counter_ns monotonic monotonic_ns process_time "
    "process_time_ns thread_time uuid uuid1 uuid4 getpass getuser getlogin environ getenv hostname gethostname uname "
    "urandom secrets SystemRandom getpid getppid get_ident getmtime st_mtime cpu_count getcwd cwd expanduser".split()
)
CALLED = frozenset("id hash input globals locals vars eval exec".split())  # builtins that do, if they are called
UNORDERED = frozenset("set frozenset".split())  # the order of texts in them differs from process to process
SHOWS = frozenset("matplotlib config load_ext autoreload precision".split())  # magics that compute nothing


def dependence(tree: ast.AST, notebook: bool = False) -> str:
    """Return a name in the code whose value depends on the machine, the time or the process; "" if there is none."""
    ours = {id(node) for part in ast.walk(tree) if _reads_nbgrader(part) for node in ast.walk(part)}
    for node in ast.walk(tree):
        if id(node) in ours:
            continue
        if found := next(filter(None, map(str, _sources(node, notebook))), ""):
            return found
    return ""


def _reads_nbgrader(node: ast.AST) -> bool:
    """Return whether code reads the variable that nbgrader sets: it is the same in every run of a grader."""
    match node:
        case ast.Call(
            func=ast.Attribute(value=ast.Attribute(value=ast.Name(id="os"), attr="environ"), attr="get"),
            args=[ast.Constant(value="NBGRADER_EXECUTION"), *_],
        ):
            return True
    return False


def _sources(node: ast.AST, notebook: bool) -> Iterator[str]:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in MACHINE:
            yield name
        case ast.Attribute(value=ast.Name(id="time"), attr="time"):
            yield "time.time"
        case ast.ImportFrom(module="time", names=names) if any(alias.name == "time" for alias in names):
            yield "time.time"
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            yield from (alias.name for alias in names if alias.name in MACHINE)
        case ast.Constant(value="now" | "today" as text):
            yield text
        case ast.Call(func=ast.Name(id=name)) if name in CALLED or (notebook and name in UNORDERED):
            yield name
        case ast.Call(func=ast.Attribute(value=ast.Call(func=ast.Name(id="get_ipython")), attr=way), args=[name, *_]):
            magic = name.value if isinstance(name, ast.Constant) and way.startswith("run_") else ""
            yield "" if magic in SHOWS else f"%{magic!s}" if magic else way
        case ast.SetComp() if notebook:
            yield "set"
