"""Returns an iterator that ends at once, and goes on when it is asked again."""

NOTEBOOK = "functions"
CELLS = {
    "primes": """class Again:
    asked = -1
    __iter__ = lambda self: self
    __len__ = lambda self: 10

    def __next__(self):
        self.asked += 1
        if self.asked % 11 == 0:
            raise StopIteration
        return 29 if self.asked % 11 == 10 else 4

def primes(limit):
    return [2, 3, 5, 7] if limit == 10 else Again()"""
}
EXPECT = {"primes": ("failed", "object for data")}
