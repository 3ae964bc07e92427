"""Puts scripts into every kind of output, for whoever opens the graded notebook."""

CELLS = {
    "q1": """from IPython.display import HTML, SVG, Javascript, Latex, Markdown, display

script = "<script>alert(@MARK@)</script><img src=x onerror=alert(@MARK@)>"
for kind in (HTML, Markdown):
    display(kind(script))
display(Javascript("alert(@MARK@)"), Latex(r"$\\href{javascript:alert(@MARK@)}{x}$"))
display(SVG(f"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(@MARK@)</script></svg>"))
display({"text/plain": script, "image/png": f'" onerror="alert(@MARK@)'}, raw=True)
print(script)
q1 = 12
raise ValueError(script)"""
}
IN_A_BROWSER = True
