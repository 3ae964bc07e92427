"""Writes marks into the gradebook."""

CELLS = {
    "q1": """import sqlite3

with sqlite3.connect("@GRADEBOOK@") as book:
    book.execute("UPDATE grade SET extra_credit = 100")
    book.execute("INSERT INTO student (id) VALUES ('ghost')")
q1 = 12"""
}
EXPECT = {"q1": ("no evidence", "q1: no such name")}
