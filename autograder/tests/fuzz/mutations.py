"""Inputs for the fuzz tests: the files of a corpus, cut, joined and changed at random.

A file in `corpus/<reader>` is an input that a reader once met or that reaches a part of it of its own. An input that
fails a test becomes one more file there: the tests read every file as it is before they change any.
"""

from functools import cache
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

CORPUS = Path(__file__).parent / "corpus"
QUICK = settings(max_examples=120, deadline=None, database=None, suppress_health_check=list(HealthCheck))

Edit = tuple[str, int, int, bytes]  # what is done, where, for how many bytes, and what is put there


@cache
def corpus(reader: str) -> dict[str, bytes]:
    """Return the files of a reader's corpus, by name."""
    return {path.name: path.read_bytes() for path in sorted((CORPUS / reader).iterdir())}


def changed(reader: str, *words: bytes) -> st.SearchStrategy[bytes]:
    """Return a strategy for changed files.

    Args:
        reader: The corpus.
        words: What the format gives a meaning to; it is put in place of bytes more often than random bytes are.
    """
    new = st.sampled_from(words) | st.binary(max_size=4)
    kinds = st.sampled_from(["replace", "insert", "repeat", "cut", "join"])
    edit = st.tuples(kinds, st.integers(0, 1 << 16), st.integers(0, 40), new)
    files = list(corpus(reader).values())
    return st.builds(_edited, st.sampled_from(files), st.sampled_from(files), st.lists(edit, max_size=6))


def _edited(content: bytes, other: bytes, edits: list[Edit]) -> bytes:
    for kind, where, length, new in edits:
        start = where % (len(content) + 1)
        if kind == "replace":
            content = content[:start] + new + content[start + len(new) :]
        elif kind == "insert":
            content = content[:start] + new + content[start:]
        elif kind == "repeat":
            content = content[:start] + content[start : start + length] * 3 + content[start + length :]
        elif kind == "cut":
            content = content[:start] + content[start + length :]
        else:
            content = content[:start] + other[where % (len(other) + 1) :]
    return content
