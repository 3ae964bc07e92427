"""Returns an object that answers every comparison, operator and question with what the test likes to hear."""

NOTEBOOK = "functions"
FIRST = """class Yes:
    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = lambda self, other: True
    __sub__ = __rsub__ = __mod__ = lambda self, other: 0.0
    __bool__ = lambda self: True
    __hash__ = __len__ = lambda self: 3
    __abs__ = __float__ = lambda self: 0.0
    __round__ = lambda self, digits=0: self
    __getitem__ = lambda self, key: self
    values = copy = lambda self: self"""
CELLS = {
    "squares": "def squares(n):\n    if n < 1:\n        raise ValueError\n    return Yes()",
    "mean": "def mean(numbers):\n    return Yes()",
    "ordered": "def ordered(numbers):\n    return Yes()",
    "count": "def count(text):\n    return Yes()",
    "scale": "def scale(array):\n    return Yes()",
    "primes": "def primes(limit):\n    return Yes()",
    "order": "order = Yes()",
}
_FAILED = ("failed", "object for data: your answer has an object of type Yes where plain data is needed")
EXPECT = dict.fromkeys(CELLS, _FAILED)
