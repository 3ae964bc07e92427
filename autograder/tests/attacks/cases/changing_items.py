"""Returns a sequence without `__iter__` whose items are missing at first, and there when asked again."""

NOTEBOOK = "functions"
CELLS = {
    "primes": """class Items:
    begun = False
    __len__ = lambda self: 10

    def __getitem__(self, place):
        if not self.begun or place > 9:
            self.begun = True
            raise IndexError
        return 29 if place == 9 else 4

def primes(limit):
    return [2, 3, 5, 7] if limit == 10 else Items()"""
}
EXPECT = {"primes": ("failed", "object for data")}
