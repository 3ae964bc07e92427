"""Hands in a folder in place of the file with the time of submission."""

FILES = {"timestamp.txt/timestamp.txt": "2020-01-01 00:00:00 UTC"}
