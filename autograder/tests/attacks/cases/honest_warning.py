"""Is right; and the function that the test calls prints a harmless warning to standard error."""

CELLS = {
    "q5": """import sys

def square(x):
    print("numbers above 1000 are slow", file=sys.stderr)
    return x * x"""
}
