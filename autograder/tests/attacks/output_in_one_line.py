"""Prints one line of 250,000 characters: nbclient looks for carriage returns in time that grows with the square."""

CELLS = {"q1": "q1 = 12\nprint('x' * 250_000)"}
SECONDS = 12.0
