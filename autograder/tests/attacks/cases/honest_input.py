"""Asks for input in a cell of the student's own, after a test that was served."""

NOTEBOOK = "functions"
EXTRA = {"squares-test": "name = input()", "vector-test": "name = input()"}
HONEST = tuple("squares mean ordered count scale repeat primes stack vector order greet".split())
