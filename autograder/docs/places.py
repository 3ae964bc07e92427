"""Fill in the page on where the notebooks can be opened: links to Binder and Colab for each notebook of a fork."""

from urllib.parse import quote

from autograder.docs.notebooks import in_order
from autograder.docs.texts import DOCS, ROOT, table

PAGE = "where.md"
PLACEHOLDER = "OWNER/REPO"  # on the page, and in the links if the site is built for no fork
LINKS = "<!-- links -->"
UNKNOWN = f"""
!!! note "These links need your fork's address"
    This site was built without it. Replace `{PLACEHOLDER}` in a link, or build the site with
    `make docs ARGS='--repository you/your-fork'`. On GitHub's machines the address is known.
"""


def page(repository: str) -> str:
    """Return the page for a fork, given as OWNER/REPO."""
    text = (DOCS / "pages" / PAGE).read_text(encoding="utf-8")
    note = UNKNOWN if repository == PLACEHOLDER else ""
    return text.replace(PLACEHOLDER, repository).replace(LINKS, links(repository) + note)


def links(repository: str) -> str:
    """Return a table of all notebooks with their addresses on Binder and on Colab."""
    paths = [path.relative_to(ROOT).as_posix() for path in in_order()]
    rows = [
        (f"`{path.removeprefix('notebooks/')}`", f"[Binder]({on_binder(repository, path)})",
         f"[Colab]({on_colab(repository, path)})")
        for path in paths
    ]  # fmt: skip
    return table(("notebook", "", ""), rows)


def on_binder(repository: str, path: str) -> str:
    """Return the address that builds a fork on mybinder.org and opens a file of it in JupyterLab."""
    return f"https://mybinder.org/v2/gh/{repository}/HEAD?urlpath={quote(f'lab/tree/{path}', safe='')}"


def on_colab(repository: str, path: str) -> str:
    """Return the address that opens a notebook of a fork in Colab."""
    return f"https://colab.research.google.com/github/{repository}/blob/HEAD/{path}"
