"""Returns ten times as much data with every call of a test."""

NOTEBOOK = "functions"
CELLS = {
    "squares": """size = 1000

def squares(n):
    global size
    size *= 10
    return [n] * min(size, 10**8)""",
    "stack": """class Stack:
    def __init__(self):
        self.items = []

    push = lambda self, item: None
    __len__ = lambda self: 2

    def pop(self):
        return "x" * 10**9""",
}
EXPECT = {"squares": ("failed", "` failed"), "stack": ("no evidence", "")}
