"""Calls the test's function with a function that calls the test's function, without an end."""

NOTEBOOK = "functions"
CELLS = {
    "repeat": """class Deeper:
    def __init__(self, action):
        self.action = action

    def __eq__(self, other):
        self.action(Deeper(self.action))
        return False

    __hash__ = None

def repeat(action, times):
    action(Deeper(action))"""
}
EXPECT = {"repeat": ("failed", "` failed")}
