"""Fill in the `### AUTOTEST` lines of test cells, with nbgrader's own step and the course's autotests.yml.

Nbgrader runs the source notebook in a kernel, and writes asserts that compare the values of expressions with the values
that the solution gives them. The file autotests.yml says how: the one beside the source notebook, the one in the course
folder, or else the one of nbgrader's own documentation.
"""

from functools import partial
from pathlib import Path
from typing import Any

import nbgrader
from jupyter_client.manager import start_new_kernel
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from nbgrader.preprocessors import InstantiateTests, instantiatetests
from traitlets.config import Config

from autograder.errors import CourseError
from autograder.model import Fault
from autograder.notebook.cells import grade_id
from autograder.text import normalize_whitespace, shorten

DEFAULT = Path(nbgrader.__file__).parent / "docs" / "source" / "user_guide" / "autotests.yml"
MAX_QUOTED = 200  # characters of a message

# ipykernel warns of connections without encryption, which are only to this machine. nbgrader has no setting for it.
instantiatetests.start_new_kernel = partial(start_new_kernel, extra_arguments=["--log-level=ERROR"])


def with_autotests_file(settings: Config, folder: Path, root: Path) -> Config:
    """Set the path of the autotests.yml that nbgrader fills in tests with; return the settings.

    Args:
        settings: The course's settings; they are changed.
        folder: The folder of the source notebook.
        root: The course folder.
    """
    name = InstantiateTests(config=settings).autotest_filename
    paths = [path for path in (folder / name, root / name, DEFAULT) if path.is_file()]
    settings.InstantiateTests.autotest_filename = str(paths[0] if paths else root / name)
    return settings


class FillAutotests(InstantiateTests):  # type: ignore[misc]
    """Fill in a notebook's tests; an error names the cell, and the kernel always ends."""

    def preprocess(self, nb: NotebookNode, resources: dict[str, Any]) -> tuple[NotebookNode, dict[str, Any]]:
        """Return the notebook with its tests filled in, and the resources; CourseError: a cell raised an exception."""
        self._client: Any = None
        try:
            filled: tuple[NotebookNode, dict[str, Any]] = super().preprocess(nb, resources)
        finally:
            if self._client is not None:
                self._end(self._client)
        return filled

    @staticmethod
    def _end(client: Any) -> None:
        """End the kernel, which nbgrader does only if no cell raised, and close its channels."""
        client.stop_channels()
        if client.parent.is_alive():
            client.parent.shutdown_kernel(now=True)
        client.context.destroy(linger=0)

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Fill in the tests of one cell, and run it."""
        self._client = self.kc
        try:
            filled: tuple[NotebookNode, dict[str, Any]] = super().preprocess_cell(cell, resources, index)
        except CellExecutionError as error:
            raised = shorten(normalize_whitespace(f"{error.ename}: {error.evalue}").rstrip("."), MAX_QUOTED)
            name = grade_id(cell) or str(index + 1)
            place = f"{resources['metadata']['name']}: cell {name}"
            raise CourseError(
                f"{place} raises {raised} when nbgrader fills in the AUTOTEST lines; fix this cell or one above it."
            ) from error
        return filled


class AutotestLines:
    """The `### AUTOTEST` lines that nbgrader could not fill in."""

    def __init__(self, settings: Config, notebook: NotebookNode) -> None:
        self.step = InstantiateTests(config=settings)
        self.kernel = notebook.metadata.get("kernelspec", {}).get("name", "")

    def faults(self, cell: NotebookNode, graded: bool) -> list[Fault]:
        """Return the faults of one cell; `graded`: it is a test cell, or a manually graded answer."""
        delimiter = self.step.autotest_delimiter
        if cell.cell_type != "code" or delimiter not in cell.source:
            return []
        line = next(number for number, text in enumerate(cell.source.split("\n"), 1) if delimiter in text)
        if self.kernel not in self.step.comment_strs or self.kernel not in self.step.sanitizers:
            known = " or ".join(f'"{name}"' for name in sorted({"python3", "python"} & set(self.step.comment_strs)))
            what = f'`{delimiter}` lines cannot be filled in with the kernel "{self.kernel}"'
            return [Fault(line, what, f"set the notebook's kernel to {known}")]
        if not graded and self.step.enforce_metadata:
            what = f"`{delimiter}` is allowed only in a test cell"
            return [Fault(line, what, "change the cell's type in Create Assignment, or delete the line")]
        if not Path(self.step.autotest_filename).is_file():
            what = f"`{delimiter}` needs the file {Path(self.step.autotest_filename).name}, which is missing"
            return [Fault(line, what, "copy it from nbgrader's documentation into the course folder")]
        return []
