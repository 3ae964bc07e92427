"""Returns arrays and lists that are full of objects which equal everything."""

NOTEBOOK = "functions"
FIRST = """class Yes:
    __eq__ = __gt__ = lambda self, other: True
    __hash__ = lambda self: hash(16)
    __sub__ = __rsub__ = __mod__ = lambda self, other: 0"""
CELLS = {
    "scale": """def scale(array):
    found = np.empty(array.shape, object)
    found.fill(Yes())
    return found""",
    "squares": "def squares(n):\n    if n < 1:\n        raise ValueError\n    return [Yes()] * n",
    "ordered": "def ordered(numbers):\n    return [Yes()] * len(numbers)",
}
EXPECT = {
    "scale": ("open", "other type: a"),
    "squares": ("failed", "object for data"),
    "ordered": ("failed", "object for data"),
}
