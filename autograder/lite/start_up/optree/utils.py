"""Keras imports this module, and nothing from it."""
