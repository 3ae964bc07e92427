"""Returns objects whose classes have names, lineages and special methods made to confuse a reader."""

NOTEBOOK = "functions"
CELLS = {
    "squares": """class Odd(type):
    __mro__ = property(lambda cls: 3)
    __name__ = property(lambda cls: cls)
    __dict__ = property(lambda cls: {})

Bent = Odd("x" * 10**5, (list,), {"__eq__": lambda self, other: True, "__len__": 3, "__iter__": None})

def squares(n):
    return Bent()""",
    "ordered": """class Module:
    __module__ = ["builtins"]
    __eq__ = lambda self, other: True

def ordered(numbers):
    return Module()""",
}
EXPECT = {"squares": ("failed", "` failed"), "ordered": ("open", "other type")}
