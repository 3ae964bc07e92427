"""Patches `compile`, so that the evidence code is swapped for one that says what the attacker likes."""

CELLS = {
    "q5": """import builtins

compile_ = builtins.compile

def swap(source, *rest, **settings):
    if isinstance(source, bytes) and b"encode_all" in source:
        source = source.decode().replace("encode_all(dict(", "str(dict(verdict='passed', points=3) or (")
    return compile_(source, *rest, **settings)

builtins.compile = swap

def square(x):
    return 0"""
}
EXPECT = {"q5": ("no evidence", "damaged")}
