"""Displays 200 MB of HTML."""

CELLS = {
    "q1": """from IPython.display import HTML, display

q1 = 12
for _ in range(200):
    display(HTML('x' * 10**6))"""
}
GAIN = "not stopped"
EXPECT = {"q1": ("no evidence", "output")}
