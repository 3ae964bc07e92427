"""Pack the notebooks of a folder into a zip, and show a link that downloads it."""

import base64
import html
import io
import zipfile
from pathlib import Path
from typing import Any

DRIVE = Path("/drive")  # where JupyterLite shows a notebook the files of the browser


def download(folder: str) -> Any:
    """Return a link to a zip of the saved notebooks in a folder, for a cell to show.

    Args:
        folder: The name of the folder, which is also the name of the zip.
    """
    from IPython.display import HTML

    notebooks = sorted((DRIVE / folder).glob("*.ipynb"))
    if not notebooks:
        return HTML(f"<p>There are no notebooks in the folder {html.escape(folder)}.</p>")
    address = f"data:application/zip;base64,{base64.b64encode(packed(notebooks)).decode()}"
    names = "".join(f"<li>{html.escape(path.name)}</li>" for path in notebooks)
    name = html.escape(f"{folder}.zip")
    return HTML(f'<p><a download="{name}" href="{address}">Download {name}</a></p><ul>{names}</ul>')


def packed(notebooks: list[Path]) -> bytes:
    """Return a zip with these files, without their folders."""
    with io.BytesIO() as buffer:
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in notebooks:
                archive.writestr(path.name, path.read_bytes())
        return buffer.getvalue()
