"""The notebook of functions and classes: eleven questions, with tests as instructors write them.

The tests call functions and methods, expect exceptions, pass functions of their own, and compare what comes back with
`==`, `<`, `in`, `isinstance` and NumPy. One test, that of `Vector`, leaves its verdict to the student's own methods.
"""

import nbformat
from nbformat import NotebookNode

from autograder.tests.attacks.harness.tiny import course_cell, locked_cell

SETUP = "import numpy as np"

RIGHT = {
    "squares": """def squares(n):
    if n < 1:
        raise ValueError("n must be positive")
    return [i * i for i in range(1, n + 1)]""",
    "mean": """def mean(numbers):
    return sum(numbers) / len(numbers)""",
    "ordered": """def ordered(numbers):
    return sorted(numbers)""",
    "count": """def count(text):
    counts = {}
    for word in text.split():
        counts[word] = counts.get(word, 0) + 1
    return counts""",
    "scale": """def scale(array):
    return 2 * array""",
    "repeat": """def repeat(action, times):
    for number in range(times):
        action(number)""",
    "primes": """def primes(limit):
    return [n for n in range(2, limit) if all(n % d for d in range(2, n))]""",
    "stack": """class Stack:
    def __init__(self):
        self.items = []

    def push(self, item):
        self.items.append(item)

    def pop(self):
        return self.items.pop()

    def __len__(self):
        return len(self.items)""",
    "vector": """class Vector:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)

    def __sub__(self, other):
        return Vector(self.x - other.x, self.y - other.y)

    def __abs__(self):
        return (self.x**2 + self.y**2) ** 0.5

    def __eq__(self, other):
        return (self.x, self.y) == (other.x, other.y)""",
    "order": "order = [3, 2, 0, 1]",
    "greet": """def greet(name):
    print("Hello " + name)""",
}

STUBS = {name: source.partition("\n")[0] for name, source in RIGHT.items() if name not in ("stack", "vector", "order")}

TESTS = {
    "squares": """assert squares(1) == [1]
assert squares(2) == [1, 4]
### BEGIN HIDDEN TESTS
assert squares(7) == [1, 4, 9, 16, 25, 36, 49]
assert isinstance(squares(3), list) and len(squares(3)) == 3
assert 16 in squares(5)
try:
    squares(0)
except ValueError:
    pass
else:
    raise AssertionError("squares(0) raises no ValueError.")
### END HIDDEN TESTS""",
    "mean": """assert abs(mean([1, 2, 4]) - 7 / 3) < 1e-9
### BEGIN HIDDEN TESTS
assert round(mean([3, 4]), 3) == 3.5
assert 2.9 < mean([2, 3, 4]) < 3.1
assert np.isclose(mean([1.5, 2.5, 5.0]), 3.0)
### END HIDDEN TESTS""",
    "ordered": """numbers = [3, 1, 2]
assert ordered(numbers) == sorted(numbers)
### BEGIN HIDDEN TESTS
others = [5, -1, 4, 4]
expected = [-1, 4, 4, 5]
assert ordered(others) == sorted(others)
for got, wanted in zip(ordered([9, 8]), [8, 9]):
    assert got == wanted
assert ordered([5, -1, 4, 4]) == expected
### END HIDDEN TESTS""",
    "count": """counts = count("a b a")
assert counts["a"] == 2
### BEGIN HIDDEN TESTS
words = count("to be or not to be")
assert "or" in words and "is" not in words
assert set(words) == {"to", "be", "or", "not"}
assert sorted(words.values()) == [1, 1, 2, 2]
assert not count("")
### END HIDDEN TESTS""",
    "scale": """given = np.array([1.0, 2.0])
np.testing.assert_allclose(scale(given), [2.0, 4.0])
### BEGIN HIDDEN TESTS
other = np.array([[5.0, 6.0], [7.0, 8.0]])
assert scale(other).shape == (2, 2)
assert np.array_equal(scale(other), [[10.0, 12.0], [14.0, 16.0]])
assert (scale(other) - 2 * other == 0).all()
### END HIDDEN TESTS""",
    "repeat": """seen = []
repeat(seen.append, 3)
assert seen == [0, 1, 2]
### BEGIN HIDDEN TESTS
calls = []
secret = [0, 1, 2, 3, 4]

def note(number):
    assert number not in calls, "called twice with one number"
    calls.append(number)

repeat(note, 5)
assert calls == secret
### END HIDDEN TESTS""",
    "primes": """assert list(primes(10)) == [2, 3, 5, 7]
### BEGIN HIDDEN TESTS
found = primes(30)
assert all(n % d for n in found for d in range(2, n))
assert len(found) == 10
assert sum(1 for n in found) == 10 and max(found) == 29
### END HIDDEN TESTS""",
    "stack": """s = Stack()
s.push(1)
s.push("two")
assert len(s) == 2
### BEGIN HIDDEN TESTS
assert s.pop() == "two"
assert s.pop() == 1
assert len(s) == 0
try:
    s.pop()
except Exception as error:
    assert isinstance(error, IndexError)
else:
    assert False, "an empty stack pops."
### END HIDDEN TESTS""",
    "vector": """v = Vector(1, 2) + Vector(3, 4)
assert v == Vector(4, 6)
### BEGIN HIDDEN TESTS
assert Vector(5, 6).x == 5
assert abs(v - Vector(4, 6)) < 1e-9
### END HIDDEN TESTS""",
    "order": """assert sorted(order) == [0, 1, 2, 3]
### BEGIN HIDDEN TESTS
assert all(a != b for a, b in zip(order, range(4)))
assert [n for n in order if n > 1] == [3, 2]
assert sum(n * n for n in order) == 14
### END HIDDEN TESTS""",
    "greet": """from contextlib import redirect_stdout
from io import StringIO

with redirect_stdout(StringIO()) as screen:
    greet("Ada")
assert screen.getvalue() == "Hello Ada\\n"
### BEGIN HIDDEN TESTS
with redirect_stdout(StringIO()) as screen:
    greet("Emmy")
assert screen.getvalue().strip() == "Hello Emmy"
### END HIDDEN TESTS""",
}


def functions() -> NotebookNode:
    """The source notebook."""
    cells = [locked_cell("setup", SETUP)]
    for name, right in RIGHT.items():
        cells.append(course_cell(name, f"### BEGIN SOLUTION\n{right}\n### END SOLUTION", solution=True))
        cells.append(course_cell(f"{name}-test", TESTS[name], grade=True, locked=True, points=3))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook: NotebookNode = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    return notebook
