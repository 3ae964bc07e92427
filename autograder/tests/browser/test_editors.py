"""The four notebooks as VS Code and Colab save them: they still check, and still grade."""

import json
from collections.abc import Callable
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode

from autograder.course.course import Course
from autograder.execution.runner import run
from autograder.execution.sandbox import own_limits
from autograder.grading.pipeline import grade_submission
from autograder.model import Assignment, Submission
from autograder.submissions.parser import parse
from autograder.submissions.restore import Restored, restore
from autograder.tests.harness.handed_in import NAMES, UNANSWERED, saved, solved
from autograder.tests.support import HELPERS, ROOT

BADGE = '<a href="https://colab.research.google.com/github/a/b"><img src="badge.svg" alt="Open In Colab"/></a>'
VERSIONS = {"codemirror_mode": {"name": "ipython", "version": 3}, "file_extension": ".py", "version": "3.12.4"}


def vscode(nb: NotebookNode) -> bytes:
    """Cells keep what they had; the kernel is named after its folder; no line ends the file."""
    tree: dict[str, Any] = json.loads(nbformat.writes(nb))
    tree["metadata"]["kernelspec"] = {"display_name": ".venv", "language": "python", "name": "python3"}
    tree["metadata"]["language_info"] = {"name": "python", "mimetype": "text/x-python", **VERSIONS}
    tree["metadata"]["vscode"] = {"interpreter": {"hash": "aee8b7b246df8f9039afb4144a1f6fd8d2ca17a180786b69acc140d2"}}
    for number, cell in enumerate(tree["cells"]):
        cell["metadata"] |= {"vscode": {"languageId": "python"}} if number % 3 == 0 else {}
    return json.dumps(tree, indent=1, ensure_ascii=False).encode()


def old_vscode(nb: NotebookNode) -> bytes:
    """The kernel's language is dropped, its name is made of the interpreter's path, format 4.2 has no ids."""
    tree = json.loads(vscode(nb))
    tree["metadata"]["kernelspec"] = {"display_name": "Python 3.8.3 64-bit", "name": "python383jvsc74a57bd0fc2f79212b9"}
    tree["nbformat_minor"] = 2
    for cell in tree["cells"]:
        del cell["id"]
    return json.dumps(tree).encode()


def colab(nb: NotebookNode) -> bytes:
    """Format 4.0: a badge on top, ids in the metadata and new, outputs named, nbgrader's metadata kept."""
    tree: dict[str, Any] = json.loads(nbformat.writes(nb))
    tree["nbformat_minor"] = 0
    tree["metadata"] = {
        "colab": {"provenance": [], "toc_visible": True},
        "kernelspec": {"name": "python3", "display_name": "Python 3"},
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(tree["cells"]):
        del cell["id"]
        cell["metadata"] |= {"id": f"x{number:011}"}
        if cell["cell_type"] == "code":
            cell["metadata"] |= {"colab": {"base_uri": "https://localhost:8080/"}, "outputId": f"28b07730-{number}"}
    badge = {"cell_type": "markdown", "metadata": {"id": "view-in-github", "colab_type": "text"}, "source": [BADGE]}
    tree["cells"].insert(0, badge)
    return json.dumps(tree, indent=2).encode()


def bare_colab(nb: NotebookNode) -> bytes:
    """As Colab, with nbgrader's metadata lost."""
    tree = json.loads(colab(nb))
    for cell in tree["cells"]:
        cell["metadata"].pop("nbgrader", None)
    return json.dumps(tree).encode()


EDITORS = [vscode, old_vscode, colab, bare_colab]


def _restored(content: bytes, name: str) -> Restored:
    submitted, repairs = parse(content, name)
    assert repairs == []
    return restore(submitted, UNANSWERED[name])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("editor", EDITORS)
def test_what_an_editor_saves_is_restored_as_what_jupyterlab_saves(
    editor: Callable[[NotebookNode], bytes], name: str
) -> None:
    restored, usual = _restored(editor(solved(name)), name), _restored(saved(solved(name)), name)
    cells = [cell for cell in restored.notebook.cells if cell.source != BADGE]
    assert (restored.notebook.metadata, cells) == (usual.notebook.metadata, usual.notebook.cells)
    kept = editor in (vscode, colab)
    assert not (kept and [said for said in restored.repairs if "lost" in said])


@pytest.mark.kernel
@pytest.mark.xdist_group("editors")  # the tests are proved once
def test_what_an_editor_saves_still_grades(proven: Assignment, course: Course) -> None:
    """A notebook of each editor; whichever has saved one, the same cells are run."""
    files = {f"{name}.ipynb": editor(solved(name)) for name, editor in zip(NAMES, EDITORS, strict=True)}
    result = grade_submission(Submission("ada", files), proven, own_limits(course))
    verdicts = {verdict.cell: verdict for notebook in result.notebooks for verdict in notebook.verdicts}
    assert {cell: verdict.points for cell, verdict in verdicts.items()} == {f"q{n}-test": 2 for n in range(1, 13)}
    assert result.status == ""


@pytest.mark.kernel
@pytest.mark.parametrize(("editor", "name"), [(vscode, NAMES[0]), (colab, NAMES[3])])
def test_what_an_editor_saves_still_checks(editor: Callable[[NotebookNode], bytes], name: str, course: Course) -> None:
    helpers = {helper: (ROOT / "notebooks" / "rnn_shapes" / helper).read_bytes() for helper in HELPERS}
    notebook = run(nbformat.reads(editor(solved(name)).decode(), 4), [], helpers, own_limits(course)).notebook
    said = {cell.source.split('"')[1]: _text(cell) for cell in notebook.cells if cell.source.startswith("check(")}
    assert said
    for question, text in said.items():
        assert text.startswith(f"✓ {question}: right.")


def _text(cell: NotebookNode) -> str:
    return str(cell.outputs[0].data["text/plain"])
