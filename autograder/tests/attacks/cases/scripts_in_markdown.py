"""Puts scripts into a written answer, and into a text of its own."""

from nbformat import NotebookNode, v4

_TEXT = """<script>alert(@MARK@)</script> <img src=x onerror=alert(@MARK@)> [x](javascript:alert(@MARK@))
![x](attachment:x.svg "@MARK@") <svg onload=alert(@MARK@)> $\\href{javascript:alert(@MARK@)}{x}$

<style>@import url(//localhost/@MARK@)</style> <a href='javascript:alert(@MARK@)'>x</a> `<script>@MARK@</script>`
"""


def _write(notebook: NotebookNode) -> None:
    answer = next(cell for cell in notebook.cells if cell.id == "why")
    answer.attachments = {"x.svg": {"image/svg+xml": "<svg onload='alert(1)'/>"}}
    notebook.cells.append(v4.new_markdown_cell(answer.source, attachments=answer.attachments))


CELLS = {"why": _TEXT}
CHANGE = _write
IN_A_BROWSER = True
