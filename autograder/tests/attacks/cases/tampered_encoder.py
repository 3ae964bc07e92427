"""Patches the modules that the evidence code works with, to make a class of its answer."""

CELLS = {
    "q1": """import json

dumps = json.dumps

def forge(value, *rest, **settings):
    return dumps(["class", "builtins.object"] if value == ["int", "0"] else value, *rest, **settings)

json.dumps = forge
q1 = 0"""
}
EXPECT = {"q1": ("no evidence", "damaged")}
