"""Empties the list that the test passed only when the result is looked at."""

NOTEBOOK = "functions"
CELLS = {
    "ordered": """class Later:
    def __init__(self, numbers):
        self.numbers = numbers

    def __iter__(self):
        self.numbers.clear()
        return iter(())

    def __len__(self):
        self.numbers.clear()
        return 0

    def __eq__(self, other):
        self.numbers.clear()
        return True

def ordered(numbers):
    return Later(numbers)"""
}
EXPECT = {"ordered": ("failed", "object for data")}
