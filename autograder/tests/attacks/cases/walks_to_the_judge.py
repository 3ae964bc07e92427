"""Tries to reach the judge's modules, globals and hidden texts through the test's own objects."""

NOTEBOOK = "functions"
CELLS = {
    "repeat": """import gc
import sys

def repeat(action, times):
    names = ["__globals__", "__code__", "__closure__", "__self__", "__class__", "gi_frame", "func", "args", "f_globals"]
    frame, reached = sys._getframe(), []
    while frame:
        for value in [*frame.f_locals.values()]:
            if type(value).__name__ == "Server":
                for key in [*value.backs]:
                    for use in ("attr", "item", "set", "eval", "call"):
                        for name in names:
                            try:
                                reached.append(value.call_back(key, use, (name,), {}))
                            except Exception:
                                pass
        frame = frame.f_back
    for value in gc.get_objects():
        if type(value) is list and value == [0, 1, 2, 3, 4]:
            reached += value
    for value in reached:
        action(value)"""
}
EXPECT = {"repeat": ("failed", "")}
