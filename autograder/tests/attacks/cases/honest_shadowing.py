"""Is right, and has used the names of builtins for things of its own."""

CELLS = {
    "q1": "list = [1, 2, 3]\nprint = len = all = isinstance = 5\ntype = exec = compile = dict = str = 'x'\nq1 = 12",
}
