"""Build the site: `python -m autograder.lite [--to DIR]`."""

import argparse
import importlib.util
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from autograder.course.course import Course
from autograder.distribution import install_command
from autograder.errors import AutograderError
from autograder.files import copy_into_place
from autograder.lite.site import build, lay_out

ROOT = Path(__file__).parents[2]
SITE = ROOT / "build" / "lite"
TOOLS = ("jupyterlite_core", "jupyterlite_pyodide_kernel", "jupyter_server")


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the site; an earlier one is replaced only if the build succeeds. Return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m autograder.lite", description=__doc__)
    parser.add_argument("--to", type=Path, default=SITE, metavar="DIR", help="the folder of the site")
    options = parser.parse_args(arguments)
    if sentence := missing_tool():
        return _fail(sentence)
    try:
        with tempfile.TemporaryDirectory(prefix="autograder-lite-") as folder:
            lay_out(Course.at(ROOT), Path(folder, "source"))
            build(Path(folder, "source"), Path(folder, "site"))
            copy_into_place(Path(folder, "site"), options.to)
    except AutograderError as error:
        return _fail(f"the site was not built ({error}); {options.to} is as it was.")
    print(f"lite: {options.to}; to try it, run `python -m http.server --directory {options.to}`")
    return 0


def missing_tool() -> str:
    """Return a sentence that names a missing package and the command that installs it; "" if there is none."""
    missing = [name for name in TOOLS if importlib.util.find_spec(name) is None]
    return f"the site needs {missing[0]}; install it with {install_command('lite')}." if missing else ""


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
