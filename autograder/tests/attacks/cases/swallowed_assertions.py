"""Catches what the test's own function asserts while a student's function calls it."""

NOTEBOOK = "functions"
CELLS = {
    "repeat": """def repeat(action, times):
    for number in [*range(times), *[0] * (times > 3)]:
        try:
            action(number)
        except BaseException:
            pass"""
}
EXPECT = {"repeat": ("failed", "called twice with one number")}
