"""Prints 60 MB when the test calls it."""

CELLS = {"q5": "def square(x):\n    print(('x' * 99 + '\\n') * 120_000)\n    return x * x"}
GAIN = "not stopped"
EXPECT = {"q5": ("no evidence", "output: cell q5-test produced more than 1 MiB of output")}
