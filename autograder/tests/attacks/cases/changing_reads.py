"""Returns objects whose items change between two reads: none at first, then as many as are counted."""

NOTEBOOK = "functions"
CELLS = {
    "primes": """class Shifty:
    reads = 0
    __len__ = lambda self: 10

    def __iter__(self):
        self.reads += 1
        return iter(()) if self.reads == 1 else iter([4] * 9 + [29])

def primes(limit):
    return [2, 3, 5, 7] if limit == 10 else Shifty()""",
    "order": """class Order(list):
    reads = 0

    def __iter__(self):
        self.reads += 1
        return iter([[0, 1, 2, 3], [], [3, 2], [1, 2, 3]][min(self.reads, 4) - 1])

order = Order([3, 2])""",
}
EXPECT = {"primes": ("failed", "` failed"), "order": ("failed", "` failed")}
