"""Cells and their code as data. Nothing in this room runs a notebook."""
