"""Writes marks into the gradebook."""

CELLS = {
    "q1": """import sqlite3

with sqlite3.connect("@GRADEBOOK@") as book:
    book.execute("UPDATE grade SET extra_credit = 100")
    book.execute("INSERT INTO student (id) VALUES ('ghost')")
q1 = 12"""
}
HONEST = ()
NEEDS_SANDBOX = "a kernel of the grader's own user can write what he can write"
