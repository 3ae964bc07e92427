"""Hands in empty containers, of which everything is true."""

NOTEBOOK = "3_gru"
CELLS = {"q8": "q8 = {'LSTM': [], 'GRU': []}", "q9": "q9 = {}", "q10": "q10 = []"}
EXPECT = {
    "q8": ("failed", "LSTM: a state is missing."),
    "q9": ("failed", "output is missing."),
    "q10": ("failed", "A pair of arrays with the same values is missing."),
}
