"""Hands in more megabytes beside the notebook than its sandbox has room for."""

FILES = {f"data{number}.bin": bytes(2 << 20) for number in range(3)}
LIMITS = {"scratch": 8 << 20}
EXPECT = {"*": ("no evidence", "limit: the files next to the notebook take 6 MiB, more than 4 MiB.")}
HONEST = ("why",)
