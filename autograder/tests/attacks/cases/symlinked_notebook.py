"""Hands in, for a notebook, a link to a classmate's."""

SYMLINKS = {"tiny.ipynb": "@CLASSMATE@"}
EXPECT = {"*": ("no evidence", "missing: tiny.ipynb was not handed in"), "why": ("closed", "")}
