"""Puts a script into a raw cell, which nbconvert hands to the browser as it is."""

from nbformat import NotebookNode, v4


def _write(notebook: NotebookNode) -> None:
    text = '<img src=x onerror="name=@MARK@"><script>alert(@MARK@)</script>'
    notebook.cells.append(v4.new_raw_cell(text, metadata={"raw_mimetype": "text/html"}))


CHANGE = _write
IN_A_BROWSER = True
