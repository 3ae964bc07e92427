"""Returns a number that is another one each time it is converted."""

NOTEBOOK = "functions"
CELLS = {
    "mean": """class Number:
    values = iter([7 / 3, 3.5, 3.0, 3.0, 3.0])
    __float__ = lambda self: next(self.values)
    __sub__ = lambda self, other: float(self) - other
    __round__ = lambda self, digits=0: round(float(self), digits)
    __gt__ = __lt__ = lambda self, other: True

def mean(numbers):
    return Number()"""
}
EXPECT = {"mean": ("failed", "object for data")}
