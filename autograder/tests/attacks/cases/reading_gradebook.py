"""Reads the hidden test from the gradebook, and the right answer from the test."""

CELLS = {
    "q1": """import re
import sqlite3

with sqlite3.connect("@GRADEBOOK@") as book:
    sources = [row[0] for row in book.execute("SELECT source FROM source_cell")]
q1 = int(re.search(r"q1 == (\\w+)", "".join(sources))[1])"""
}
EXPECT = {"q1": ("no evidence", "q1: no such name")}
