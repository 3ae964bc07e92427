"""Empties the list that the test passes, and returns an empty list."""

NOTEBOOK = "functions"
CELLS = {
    "ordered": "def ordered(numbers):\n    numbers.clear()\n    return []",
    "scale": "def scale(array):\n    array[...] = 0\n    return array",
}
EXPECT = {"ordered": ("failed", "` failed"), "scale": ("failed", "")}
