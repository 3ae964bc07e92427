"""Returns an empty dict whose class answers items, membership, values and truth by itself."""

NOTEBOOK = "functions"
CELLS = {
    "count": """class Counts(dict):
    __getitem__ = lambda self, key: 2
    __contains__ = lambda self, key: key != "is"
    __iter__ = lambda self: iter(["to", "be", "or", "not"])
    values = lambda self: [1, 1, 2, 2]
    __len__ = lambda self: 0

def count(text):
    return Counts()"""
}
EXPECT = {"count": ("failed", "KeyError")}
