"""Raises SystemExit, KeyboardInterrupt and a BaseException from functions that tests call."""

NOTEBOOK = "functions"
CELLS = {
    "squares": "def squares(n):\n    raise SystemExit(0)",
    "mean": "def mean(numbers):\n    raise KeyboardInterrupt",
    "ordered": "def ordered(numbers):\n    raise BaseException('passed')",
    "count": "def count(text):\n    raise GeneratorExit",
}
EXPECT = {
    "squares": ("failed", "SystemExit"),
    "mean": ("failed", "KeyboardInterrupt"),
    "ordered": ("failed", "passed"),
    "count": ("failed", "GeneratorExit"),
}
