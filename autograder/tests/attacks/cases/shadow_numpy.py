"""Hands in a numpy.py that loads the real NumPy and patches it."""

FILES = {
    "numpy.py": """import sys

del sys.modules["numpy"]
path = sys.path[:]
sys.path[:] = [place for place in path if "site-packages" in place or "lib/python" in place]
import numpy

sys.path[:] = path
numpy.allclose = lambda *arrays, **settings: True
"""
}
CELLS = {"q3": "q3 = np.zeros(4)"}
EXPECT = {"q3": ("failed", "q3: these are not the means of the columns.")}
