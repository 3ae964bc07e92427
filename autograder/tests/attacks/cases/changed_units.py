"""Sets `units = 1`, so that other shapes are right."""

NOTEBOOK = "3_gru"
EXTRA = {"sizes": "units = sizes['units'] = 1"}
CELLS = {"q9": "q9 = {'output': output.shape, 'h': h.shape}"}
_SAID = "output: the units axis has size 3, not 1."
EXPECT = {"q9": ("failed", _SAID), "q10": ("failed", _SAID)}
