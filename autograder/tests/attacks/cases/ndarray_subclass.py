"""Returns zeros of an array class that overrides `shape`, `==`, `-` and NumPy's own functions."""

NOTEBOOK = "functions"
CELLS = {
    "scale": """class Array(np.ndarray):
    shape = property(lambda self: (2, 2))
    __eq__ = lambda self, other: np.ones((2, 2), bool)
    __sub__ = lambda self, other: np.zeros((2, 2))
    __array_function__ = lambda self, *rest, **more: True
    __array_ufunc__ = lambda self, *rest, **more: np.ones((2, 2), bool)

def scale(array):
    return np.zeros(2).view(Array)"""
}
EXPECT = {"scale": ("failed", "Not equal to tolerance")}
