"""Returns a class itself, whose metaclass answers `==`, `in`, `len` and `isinstance`."""

NOTEBOOK = "functions"
CELLS = {
    "squares": """class Meta(type):
    __eq__ = __contains__ = __instancecheck__ = lambda self, other: True
    __hash__ = type.__hash__
    __len__ = lambda self: 3

class squares(metaclass=Meta):
    def __new__(cls, n):
        if n < 1:
            raise ValueError
        return cls"""
}
EXPECT = {"squares": ("failed", "object for data")}
