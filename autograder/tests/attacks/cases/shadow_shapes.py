"""Hands in an own edit of the learner's helper shapes/__init__.py that finds no fault with anything."""

NOTEBOOK = "3_gru"
FILES = {
    "shapes/__init__.py": """def shapes_fault(*given):
    return None

check = compare = draw = hint = name_axes = summary = states_fault = pairs_fault = lambda *given, **named: None
"""
}
CELLS = {"q9": "q9 = {'output': (3,), 'h': (3,)}"}
EXPECT = {"q9": ("failed", "output: you gave 1 axis, (3,); output has 2: the batch axis is missing.")}
