"""Finds, with the garbage collector's help, the text of the test cell that is about to run, and answers accordingly."""

CELLS = {
    "q1": """import gc
import re

def find(*_):
    for thing in gc.get_objects():
        if type(thing).__name__ == "ExecutionInfo":
            asked = re.search(r"q1 == (\\w+)", thing.raw_cell)
            if asked:
                globals()["q1"] = int(asked[1])

get_ipython().events.register("pre_run_cell", find)
q1 = 0"""
}
EXPECT = {"q1": ("failed", "q1: count the numbers in data.")}
