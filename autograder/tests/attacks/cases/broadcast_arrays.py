"""Puts an array of one number in place of what the layer returned, for NumPy to stretch."""

NOTEBOOK = "3_gru"
EXTRA = {"predict": "output = h = np.ones(1, 'float32')"}
_SAID = "output: 1 axis, (1,); 2 are needed."
EXPECT = {"q9": ("failed", _SAID), "q10": ("failed", _SAID)}
