"""Has the shell show no error of later cells, and report none."""

CELLS = {
    "q1": """shell = get_ipython()
shell.showtraceback = lambda *error, **settings: None

def forget(result):
    result.error_in_exec = result.error_before_exec = None

shell.events.register("post_run_cell", forget)
q1 = 0"""
}
EXPECT = {"q1": ("failed", "q1: count the numbers in data.")}
