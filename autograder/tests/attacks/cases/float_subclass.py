"""Returns a float whose class answers subtraction, rounding, order and NumPy by itself."""

NOTEBOOK = "functions"
CELLS = {
    "mean": """class Mean(float):
    __sub__ = __rsub__ = lambda self, other: 0.0
    __abs__ = lambda self: 0.0
    __round__ = lambda self, digits=0: 3.5
    __lt__ = __gt__ = __le__ = __ge__ = lambda self, other: True
    __float__ = lambda self: 3.0
    __array__ = lambda self, *rest, **more: np.array(3.0)

def mean(numbers):
    return Mean(0)"""
}
EXPECT = {"mean": ("failed", "` failed")}
