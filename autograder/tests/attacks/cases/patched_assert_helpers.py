"""Patches the helpers that the tests compare with, the course's own and those of NumPy and unittest."""

CELLS = {
    "q3": """import unittest

import tools

tools.same = lambda a, b: True
np.testing.assert_allclose = np.testing.assert_array_equal = lambda *arrays, **settings: None
unittest.TestCase.assertEqual = unittest.TestCase.assertTrue = lambda self, *values: None
q3 = np.zeros(4)"""
}
EXPECT = {"q3": ("failed", "q3: these are not the means of the columns.")}
