"""Binds the names that the test binds later, and names of its modules and builtins."""

NOTEBOOK = "functions"
FIRST = """expected = secret = []
others = numbers = counts = words = given = other = found = []

class np:
    array = asarray = lambda *rest: Yes()
    isclose = array_equal = lambda *rest, **more: True

    class testing:
        assert_allclose = lambda *rest, **more: None

class Yes:
    __eq__ = __sub__ = lambda self, other: True
    shape = (2, 2)
    all = lambda self: True"""
CELLS = {
    "ordered": "def ordered(numbers):\n    return globals().get('expected', [])",
    "mean": "def mean(numbers):\n    return 0.0\n\ndef abs(number):\n    return 0\n\ndef round(*rest):\n    return 3.5",
    "scale": "def scale(array):\n    return Yes()",
    "repeat": "calls = secret\n\ndef repeat(action, times):\n    return secret",
    "primes": "len = lambda found: 10\nlist = lambda found: [2, 3, 5, 7]\n\ndef primes(limit):\n    return []",
}
EXPECT = {
    "ordered": ("failed", "` failed"),
    "mean": ("failed", "` failed"),
    "scale": ("failed", ""),
    "repeat": ("failed", "` failed"),
    "primes": ("failed", "` failed"),
    "stack": ("failed", "` failed"),  # it calls the student's own `len`
}
