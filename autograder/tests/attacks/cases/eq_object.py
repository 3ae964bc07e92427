"""Hands in an object that equals everything."""

CELLS = {
    "q1": """class Everything:
    def __eq__(self, other):
        return True

q1 = Everything()"""
}
EXPECT = {"q1": ("failed", "object for data: your answer has an object of type Everything")}
