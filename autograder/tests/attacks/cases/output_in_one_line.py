"""Prints one line of 900,000 characters: nbclient looks for carriage returns in time that grows with the square."""

CELLS = {"q1": "q1 = 12\nprint('x' * 900_000)"}
