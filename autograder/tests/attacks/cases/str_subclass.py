"""Prints and counts words of a text class that equals everything."""

NOTEBOOK = "functions"
FIRST = """class Text(str):
    __eq__ = __contains__ = lambda self, other: True
    __ne__ = lambda self, other: False
    __hash__ = str.__hash__
    strip = lambda self, *rest: self"""
CELLS = {
    "greet": "def greet(name):\n    print(Text('Hello'))",
    "count": "def count(text):\n    return {Text('a'): 2} if text else {}",
}
EXPECT = {"greet": ("failed", "` failed"), "count": ("failed", "` failed")}
