"""Puts an object with the weights of a layer of other sizes in place of the model, and answers for its arrays."""

NOTEBOOK = "1_lstm"
EXTRA = {
    "arrays": """class Other:
    get_weights = Model(inputs, LSTM(5, return_state=True)(inputs)).get_weights

model = Other()
output = h = c = np.zeros((1, 5), 'float32')"""
}
CELLS = {"q3": "q3 = {'output': (1, 5), 'h': (1, 5), 'c': (1, 5)}"}
_SAID = "output: the units axis has size 3, not 5."
EXPECT = {"q2": ("failed", _SAID), "q3": ("failed", _SAID), "q4": ("failed", _SAID)}
