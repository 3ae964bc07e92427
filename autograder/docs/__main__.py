"""Build the documentation site: `python -m autograder.docs [--to DIR] [--repository OWNER/REPO]`."""

import argparse
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autograder import theme
from autograder.distribution import install_command
from autograder.docs import cheat_sheet, notebooks, places, reference, test_cells
from autograder.docs.texts import DOCS, ROOT
from autograder.files import copy_into_place

SITE = ROOT / "build" / "site"
NOTEBOOKS, INDEX = "The notebooks", "notebooks/index.md"  # the entry of mkdocs.yml that the notebooks are listed under


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the site; an earlier one is replaced only if the build succeeds. Return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m autograder.docs", description=__doc__)
    parser.add_argument("--to", type=Path, default=SITE, metavar="DIR", help="the folder of the site")
    parser.add_argument(
        "--repository",
        default=os.environ.get("GITHUB_REPOSITORY", places.PLACEHOLDER),  # GitHub's workflows set it
        metavar="OWNER/REPO",
        help="your fork on GitHub, for the links that open a notebook on Binder or Colab",
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(format="%(message)s", level=logging.WARNING)  # what is wrong with a page
    try:
        import mkdocs.commands.build
        import mkdocs.config
        import mkdocs.exceptions
    except ImportError as error:
        return _fail(f"the docs need {error.name}; install it with {install_command('docs')}.")
    with tempfile.TemporaryDirectory(prefix="autograder-docs-") as folder:
        pages, site = Path(folder, "pages"), Path(folder, "site")
        write_pages(pages, options.repository)
        config = mkdocs.config.load_config(
            str(DOCS / "mkdocs.yml"), docs_dir=str(pages), site_dir=str(site), strict=True
        )
        list_notebooks(config.nav or [])
        try:
            mkdocs.commands.build.build(config)
        except (mkdocs.exceptions.MkDocsException, mkdocs.exceptions.Abort) as error:
            return _fail(f"the site was not built ({error}); {options.to} is as it was.")
        copy_into_place(site, options.to)
    print(f"docs: {options.to / 'index.html'}")
    print(f"Its search needs a server: python -m http.server --directory {options.to}")
    return 0


def write_pages(folder: Path, repository: str) -> None:
    """Write all pages of the site, those by hand and those that are generated, into a new folder."""
    shutil.copytree(DOCS / "pages", folder)
    for generate in (reference, notebooks, test_cells, cheat_sheet):
        for name, text in generate.pages().items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    (folder / places.PAGE).write_text(places.page(repository), encoding="utf-8")
    (folder / "assets" / "theme.css").write_text(style(), encoding="utf-8")


def style() -> str:
    """Return the colours of both themes as CSS, by the names that the generator has for its themes."""
    return (
        f":root {{ --bar: {theme.MAIN}; --on-bar: {theme.ON_MAIN}; }}\n"
        f'[data-md-color-scheme="default"] {{ {theme.css_variables(theme.LIGHT)} }}\n'
        f'[data-md-color-scheme="slate"] {{ {theme.css_variables(theme.DARK)} }}\n'
    )


def list_notebooks(nav: list[Any]) -> None:
    """Add the pages of the notebooks to the navigation, below their index."""
    for section in nav:
        for entry in next(iter(section.values())):
            if isinstance(entry, dict) and entry.get(NOTEBOOKS) == INDEX:
                entry[NOTEBOOKS] = [INDEX, *(f"notebooks/{path.stem}.md" for path in notebooks.in_order())]


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
