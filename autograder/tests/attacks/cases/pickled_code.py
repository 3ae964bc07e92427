"""Hands in an object that runs code wherever it is unpickled."""

CELLS = {
    "q1": """class Bomb:
    def __reduce__(self):
        return exec, ("open('@OUTSIDE@/ran', 'w')",)

q1 = Bomb()"""
}
EXPECT = {"q1": ("failed", "q1: count the numbers in data.")}
