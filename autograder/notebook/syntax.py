"""Python source → its tree, from any thread.

Python up to 3.11.7 and 3.12.0 counts the depth of all trees under way in one place: where a collection of garbage lets
another thread parse in the middle, both fail with a SystemError (CPython's issue 106905).
"""

import ast
import threading

_one_at_a_time = threading.RLock()


def parse(source: str) -> ast.Module:
    """`ast.parse`, one at a time; raises SyntaxError or ValueError as that does."""
    with _one_at_a_time:
        return ast.parse(source)
