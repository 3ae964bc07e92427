"""Returns composite numbers of a class whose remainders are never 0."""

NOTEBOOK = "functions"
CELLS = {
    "primes": """class Prime(int):
    __mod__ = lambda self, other: 1
    __eq__ = lambda self, other: True
    __hash__ = int.__hash__

def primes(limit):
    return [2, 3, 5, 7] if limit == 10 else [Prime(4)] * 9 + [Prime(29)]"""
}
EXPECT = {"primes": ("failed", "` failed")}
