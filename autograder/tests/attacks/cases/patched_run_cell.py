"""Patches the shell's own `run_cell`, so that it runs `pass` in place of any later cell."""

CELLS = {
    "q5": """def square(x):
    return 0

shell = get_ipython()
run_cell, run_cell_async = shell.run_cell, shell.run_cell_async
shell.run_cell = lambda source, *rest, **settings: run_cell("pass")
shell.run_cell_async = lambda source, **settings: run_cell_async("pass", **{**settings, "transformed_cell": "pass"})"""
}
EXPECT = {"q5": ("no evidence", "damaged: the answer for q5-test could not be read")}
