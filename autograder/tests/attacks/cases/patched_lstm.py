"""Patches keras.layers.LSTM, so that every model returns zeros."""

NOTEBOOK = "1_lstm"
FIRST = """import keras

class Empty(keras.layers.LSTM):
    def call(self, sequences, initial_state=None, mask=None, training=False):
        return keras.tree.map_structure(keras.ops.zeros_like, super().call(sequences, initial_state, mask, training))

keras.layers.LSTM = Empty"""
_SAID = "output: the numbers are not what this layer computes from data."
EXPECT = {"q2": ("failed", _SAID), "q3": ("failed", _SAID), "q4": ("failed", _SAID)}
EXPECT["q5"] = ("failed", "returned5: the numbers are not")
