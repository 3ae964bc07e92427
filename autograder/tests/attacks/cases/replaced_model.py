"""Puts an object with made-up weights in place of the model: with these h equals c, and the answer says so."""

NOTEBOOK = "1_lstm"
EXTRA = {
    "arrays": """class Model5:
    kept = model.get_weights()
    get_weights = lambda self: [*self.kept[:2], np.repeat(np.float32([-20, -20, 0, 60]), units)]

real = model
real.set_weights(Model5().get_weights())
output, h, c = real.predict(data, verbose=0)
model = Model5()"""
}
CELLS = {"q4": "q4 = [('output', 'h'), ('output', 'c'), ('h', 'c')]"}
_SAID = "weights: they make h and c the same; a layer never starts with such weights."
EXPECT = {"q2": ("failed", _SAID), "q3": ("failed", _SAID), "q4": ("failed", _SAID)}
