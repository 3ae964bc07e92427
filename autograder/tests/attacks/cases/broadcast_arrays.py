"""Puts an array of one number in place of what the layer returned, for NumPy to stretch, and answers for it."""

NOTEBOOK = "3_gru"
EXTRA = {"arrays": "output = h = np.ones(1, 'float32')"}
CELLS = {"q9": "q9 = {'output': output.shape, 'h': h.shape}"}
EXPECT = {"q9": ("failed", "output: you gave 1 axis, (1,); output has 2")}
