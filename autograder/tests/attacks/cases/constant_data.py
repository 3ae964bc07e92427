"""Makes the data constant, so that everything equals everything."""

NOTEBOOK = "3_gru"
EXTRA = {"sizes": "data = np.ones_like(data)"}
_SAID = "data: numbers repeat"
EXPECT = {"q9": ("failed", _SAID), "q10": ("failed", _SAID)}
