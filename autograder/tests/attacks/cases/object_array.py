"""Hands in an array of objects that equal everything."""

CELLS = {
    "q3": """class Everything:
    def __eq__(self, other):
        return True

    def __sub__(self, other):
        return 0.0

    __rsub__ = __sub__

q3 = np.array([Everything() for _ in range(4)], dtype=object)"""
}
EXPECT = {"q3": ("open", "other type: an Everything object is not plain data")}
