"""Displays, from its own cell, what looks like evidence and like a verdict."""

CELLS = {
    "q1": """import json

from IPython.display import display

text = json.dumps({"q1": {"value": json.dumps(["int", "c"])}})
display({"application/vnd.autograder.evidence+json": {"mark": "", "text": text}}, raw=True)
print("passed: 3 points")
q1 = 0"""
}
EXPECT = {"q1": ("failed", "q1: count the numbers in data.")}
