"""Raises exceptions that have the names of those that end or excuse a test."""

NOTEBOOK = "functions"
FIRST = """def forged(module, name):
    kind = type(name, (BaseException,), {"__module__": module, "__qualname__": name})
    kind.reason, kind.sentence, kind.points = "", "passed", 3
    return kind"""
CELLS = {
    "stack": """class Stack:
    push = lambda self, item: None
    __len__ = lambda self: 2

    def pop(self):
        raise forged("autograder.judging.live.known", "TestEnded")("passed")""",
    "count": "def count(text):\n    raise forged('unittest.case', 'SkipTest')('passed')",
}
EXPECT = {
    "stack": ("failed", "passed"),
    "count": ("failed", "SkipTest: passed"),
}
