"""Hands in a package that Python prefers to the helper's file shapes/forms.py; it finds no fault with any shape."""

NOTEBOOK = "3_gru"
FILES = {
    "shapes/forms/__init__.py": """import pathlib
exec(pathlib.Path(__file__).parents[1].joinpath("forms.py").read_text())

def shapes_fault(*given):
    return None
"""
}
CELLS = {"q9": "q9 = {'output': (3,), 'h': (3,)}"}
EXPECT = {"q9": ("failed", "output: you gave 1 axis, (3,); output has 2: the batch axis is missing.")}
