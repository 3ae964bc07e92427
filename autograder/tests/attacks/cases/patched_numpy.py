"""Patches NumPy so that all arrays are alike."""

CELLS = {
    "q3": """np.allclose = np.array_equal = lambda *arrays, **settings: True
np.shape = lambda array: (4,)
q3 = np.zeros(4)"""
}
EXPECT = {"q3": ("failed", "q3: these are not the means of the columns.")}
