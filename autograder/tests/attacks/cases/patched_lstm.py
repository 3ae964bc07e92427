"""Patches keras.layers.LSTM, so that every model returns zeros."""

NOTEBOOK = "1_lstm"
FIRST = """import keras

class Empty(keras.layers.LSTM):
    def call(self, sequences, initial_state=None, mask=None, training=False):
        return keras.tree.map_structure(keras.ops.zeros_like, super().call(sequences, initial_state, mask, training))

keras.layers.LSTM = Empty"""
CELLS = {"q4": "q4 = [('output', 'h'), ('output', 'c'), ('h', 'c')]"}
EXPECT = {
    "q4": ("failed", "c and h have different values."),
    "q5": ("failed", "the numbers are not what this layer computes from data.", 1.0),
}
