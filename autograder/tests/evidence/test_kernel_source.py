"""What a kernel gets as source: it runs without this package, and its modules share one namespace."""

import ast
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import zmq

from autograder.evidence.decoder import NOTHING, decode_all
from autograder.evidence.kernel_source import FOLDER, SERVER, kernel_source, program_source, server_source
from autograder.evidence.server.server import _send

DRIVER = """
import importlib.util, sys
assert importlib.util.find_spec("autograder") is None and importlib.util.find_spec("numpy") is None
before = set(sys.modules)
namespace = {}
exec(sys.stdin.read(), namespace)
assert not {name.partition(".")[0] for name in set(sys.modules) - before} - set(sys.stdlib_module_names)
student = {"q1": ("batch", 2.5), "q2": {"h", frozenset("c")}, "f": abs}
print(namespace["encode_all"](student, ["q1", "q2", "q9"], {"got": "[f(x) for x in (-1, 1)]"}))
"""


def test_the_source_runs_by_itself(tmp_path: Path) -> None:
    command = [sys.executable, "-I", "-S", "-W", "error", "-c", DRIVER]
    done = subprocess.run(
        command, input=kernel_source(), capture_output=True, text=True, check=False, cwd=tmp_path, timeout=60
    )
    assert done.stderr == ""
    found = decode_all(done.stdout)
    assert {name: one.value for name, one in found.items()} == {
        "q1": ("batch", 2.5),
        "q2": {"h", frozenset("c")},
        "q9": NOTHING,
        "got": [1, 1],
    }


def test_what_serves_a_kernels_objects_is_python_also_without_its_docstrings() -> None:
    compile(program_source(), "<evidence>", "exec")


def test_the_server_imports_nothing_of_this_package() -> None:
    imports = [node for node in ast.walk(ast.parse(server_source())) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert imports
    assert "autograder" not in " ".join(map(ast.unparse, imports))


def test_every_module_of_the_server_is_sent() -> None:
    assert sorted(SERVER) == sorted(
        path.name for path in (FOLDER / "server").glob("*.py") if path.name != "__init__.py"
    )


def test_no_two_modules_of_a_kernel_define_the_same_name() -> None:
    """They are executed in one namespace, so the second one would replace it for both."""
    defined: Counter[str] = Counter()
    for node in ast.parse(program_source()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            defined[node.name] += 1
        elif isinstance(node, ast.Assign):
            defined.update(target.id for target in node.targets if isinstance(target, ast.Name))
    assert {"Encoder", "Server", "MAX_TEXT"} <= defined.keys()
    assert [name for name, times in defined.items() if times > 1] == ["MORE"]  # the second one is the rarer types' text


def test_the_first_message_waits_for_a_client_that_is_about_to_connect() -> None:
    context = zmq.Context()
    router, dealer = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
    try:
        port = router.bind_to_random_port("tcp://127.0.0.1")
        sending = threading.Thread(target=_send, args=(router, [b"client", b"first"]))
        sending.start()
        dealer.identity = b"client"
        dealer.connect(f"tcp://127.0.0.1:{port}")
        assert dealer.poll(10_000)
        assert dealer.recv_multipart() == [b"first"]
        sending.join()
    finally:
        context.destroy(linger=0)
