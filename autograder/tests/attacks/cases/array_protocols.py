"""Returns an object that answers NumPy through `__array__`, `__array_ufunc__` and `__array_function__`."""

NOTEBOOK = "functions"
CELLS = {
    "scale": """class Array:
    shape, dtype, __array_priority__ = (2, 2), np.dtype(float), 1e9
    answers = [np.array([2.0, 4.0]), np.array([[10.0, 12.0], [14.0, 16.0]])]
    __array__ = lambda self, *rest, **more: self.answers.pop(0)
    __array_ufunc__ = lambda self, *rest, **more: np.ones((2, 2), bool)
    __array_function__ = lambda self, *rest, **more: True
    __sub__ = lambda self, other: np.zeros((2, 2))

def scale(array):
    return Array()""",
    "mean": """class Mean:
    __array_ufunc__ = lambda self, *rest, **more: True
    __array__ = lambda self, *rest, **more: np.array(3.0)
    __float__ = lambda self: 3.0

def mean(numbers):
    return Mean() if len(numbers) == 3 and numbers[0] == 1.5 else {3: 7 / 3, 2: 3.5}[len(numbers)] + 0.0""",
}
EXPECT = {"scale": ("failed", "object for data"), "mean": ("failed", "` failed")}
