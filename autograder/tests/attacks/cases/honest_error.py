"""Is right but for one answer, whose cell raises an error."""

CELLS = {"q1": "q1 = 12 / 0"}
EXPECT = {"q1": ("no evidence", "q1: no such name")}
