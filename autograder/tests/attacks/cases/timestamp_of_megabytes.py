"""Hands in a megabyte of text as the time of submission."""

FILES = {"timestamp.txt": "2020-01-01 00:00:00 UTC\n" * 50_000}
