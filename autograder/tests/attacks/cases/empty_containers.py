"""Hands in empty containers, of which everything is true."""

NOTEBOOK = "3_gru"
CELLS = {"q8": "q8 = {'LSTM': [], 'GRU': []}", "q9": "q9 = {}", "q10": "q10 = []"}
EXPECT = {
    "q8": ("failed", "In a new LSTM: cut data after step 3 and carry on nothing: the rest changes by 0.085."),
    "q9": ("failed", "output is missing."),
    "q10": ("failed", "An empty list says that no two arrays have the same values."),
}
