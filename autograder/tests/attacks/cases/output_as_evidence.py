"""Displays 200 MB that look like evidence, which may be longer than other output."""

CELLS = {
    "q1": """from IPython.display import display

q1 = 12
for _ in range(200):
    display({"application/vnd.autograder.evidence+json": {"mark": "", "text": "x" * 10**6}}, raw=True)"""
}
GAIN = "not stopped"
EXPECT = {"q1": ("no evidence", "output")}
