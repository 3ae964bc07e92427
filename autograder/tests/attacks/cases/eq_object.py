"""Hands in an object that equals everything."""

CELLS = {
    "q1": """class Everything:
    def __eq__(self, other):
        return True

q1 = Everything()"""
}
EXPECT = {"q1": ("no evidence", "q1: an Everything object is not plain data")}
