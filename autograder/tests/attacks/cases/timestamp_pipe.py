"""Hands in a pipe in place of the file with the time of submission."""

PIPES = ("timestamp.txt",)
