"""Sets `units = 1`, so that other shapes are right."""

NOTEBOOK = "3_gru"
EXTRA = {"sizes": "units = sizes['units'] = 1"}
_SAID = "weights: kernel: the units axis has size 3, not 9."
EXPECT = {"q9": ("failed", _SAID), "q10": ("failed", _SAID)}
