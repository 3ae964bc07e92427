"""Recognises the inputs that students can see, and answers nothing else."""

NOTEBOOK = "functions"
CELLS = {
    "squares": """def squares(n):
    if n < 1:
        raise ValueError
    return {1: [1], 2: [1, 4]}.get(n, [])""",
    "mean": "def mean(numbers):\n    return 7 / 3",
    "ordered": "def ordered(numbers):\n    return [1, 2, 3]",
    "count": "def count(text):\n    return {'a': 2, 'b': 1}",
    "greet": "def greet(name):\n    print('Hello Ada')",
    "repeat": "def repeat(action, times):\n    for number in [0, 1, 2]:\n        action(number)",
}
EXPECT = dict.fromkeys(CELLS, ("failed", "` failed"))
