"""Changes the givens, so that another answer would be right."""

CELLS = {"q4": "rows = columns = 1\nq4 = (1, 1)"}
EXPECT = {"q4": ("failed", "q4: (1, 1) is not the shape of data.")}
