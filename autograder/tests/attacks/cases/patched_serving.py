"""Replaces what packs messages, `pickle`, `json` and builtins, so that answers are made up as the test asks."""

NOTEBOOK = "functions"
FIRST = """import base64
import builtins
import json
import pickle

session, dumps = get_ipython().kernel.session, json.dumps
pack = session.pack

def lie(content):
    reply = json.loads(content["prompt"]) if "prompt" in content else {}
    if "value" in reply:
        reply = {"n": reply["n"], "heap": [], "refs": {}, "printed": "", "value": True}
        content = content | {"prompt": dumps(reply)}
    return pack(content)

session.pack = lie
builtins.eval = builtins.abs = lambda *rest: 0
pickle.loads = lambda *rest: 0"""
CELLS = {
    "squares": "def squares(n):\n    return 0",
    "mean": "def mean(numbers):\n    return 0",
    "stack": "class Stack:\n    push = pop = __len__ = lambda self, *rest: 2",
}
EXPECT = {"squares": ("failed", ""), "mean": ("failed", ""), "stack": ("failed", "")}
HONEST = ("order",)
