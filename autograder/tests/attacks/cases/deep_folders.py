"""Hands in a file that is 40 folders deep, and one that is 900."""

FILES = {"d/" * 40 + "x": "deep", "e/" * 900 + "x": "deeper"}
