"""Puts arrays of NaN in place of what the layer returned, which are equal to nothing, and answers so."""

NOTEBOOK = "3_gru"
EXTRA = {"arrays": "output = h = np.full((1, 3), np.nan, 'float32')"}
CELLS = {"q10": "q10 = []"}
EXPECT = {"q10": ("failed", "An empty list says that no two arrays have the same values.")}
