"""Hands in a list that is empty the first time it is looped over, so that `all` holds, and full the next time."""

CELLS = {
    "q2": """class Shifty(list):
    looked = False

    def __iter__(self):
        if not self.looked:
            self.looked = True
            return iter(())
        return list.__iter__(self)

q2 = Shifty([(1, 0), (2, 0), (3, 0)])"""
}
EXPECT = {"q2": ("failed", "q2: a second number is not the square of its first.")}
