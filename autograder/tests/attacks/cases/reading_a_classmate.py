"""Takes the answer from another student's submission."""

CELLS = {
    "q1": """import json

cells = json.load(open("@CLASSMATE@"))["cells"]
exec("".join(next(cell["source"] for cell in cells if cell["metadata"]["nbgrader"]["grade_id"] == "q1")))"""
}
EXPECT = {"q1": ("not attempted", "not answered.")}
