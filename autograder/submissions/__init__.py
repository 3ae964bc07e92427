"""Bytes that students hand in → a notebook fit to run, and the repairs that it needed."""
