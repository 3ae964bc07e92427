"""Puts scripts into what the grader quotes: a wrong answer, and the message of an error."""

CELLS = {
    "q4": "q4 = '<script>alert(@MARK@)</script>'",
    "q5": """def square(x):
    raise ValueError("<script>alert(@MARK@)</script> <img src=x onerror=alert(@MARK@)> [x](javascript:@MARK@)")""",
}
EXPECT = {"q4": ("failed", "is not the shape of data."), "q5": ("no evidence", "raised")}
IN_A_BROWSER = True
