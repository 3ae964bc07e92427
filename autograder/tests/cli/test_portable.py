"""The package where it cannot grade: on macOS and Windows learners use it."""

import ast
import subprocess
import sys
from pathlib import Path

UNIX = {"fcntl", "grp", "pwd", "resource", "termios", "pyseccomp"}
LINUX = {f"autograder.kernels.{name}" for name in ("linux", "sandbox", "zygote", "cold", "supervisor", "seccomp")}


def test_the_command_needs_nothing_that_macos_and_windows_lack() -> None:
    """What a learner's command imports, it imports everywhere: of this package nothing that is Linux alone."""
    code = (
        "import sys, autograder.cli.main, autograder.cli.doctor, autograder.cli.terminal\n"
        "import autograder.learner.jupyterlab, autograder.learner.submit, autograder.replay.compare\n"
        "for name, module in sys.modules.items():\n"
        "    if 'autograder' in name: print(name, module.__file__)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    files = dict(line.split(" ", 1) for line in said.splitlines())
    assert "autograder.kernels.launcher" in files
    assert not LINUX & set(files)
    for name, file in files.items():
        imported = ast.parse(Path(file).read_text(encoding="utf-8")).body
        names = {alias.name for node in imported if isinstance(node, ast.Import) for alias in node.names}
        names |= {str(node.module) for node in imported if isinstance(node, ast.ImportFrom)}
        assert not UNIX & names, name
