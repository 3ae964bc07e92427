"""Hands in an array of a class of its own that answers NumPy's comparisons itself."""

CELLS = {
    "q3": """class Agreeing(np.ndarray):
    def __array_function__(self, function, types, arguments, keywords):
        return (4,) if function is np.shape else True

q3 = np.zeros(4).view(Agreeing)"""
}
EXPECT = {"q3": ("failed", "q3: these are not the means of the columns.")}
