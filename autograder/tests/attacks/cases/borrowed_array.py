"""Hands in, for the output of a new model, the array of another question."""

NOTEBOOK = "1_lstm"
CELLS = {"q5": "model5 = Model(inputs, LSTM(units)(inputs))\noutput5 = output\nq5 = 'last hidden state'"}
EXPECT = {"q5": ("failed", "output5: the numbers are not what this layer computes from data.", 1.0)}
