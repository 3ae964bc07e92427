"""Hands in pipes and links to devices that never end to be read."""

PIPES = ("notes.txt", "copy of tiny.ipynb", "submission_secret.txt")
SYMLINKS = {"timestamp.txt": "/dev/zero", "random.csv": "/dev/urandom"}
