"""Parsing in several threads."""

import gc
import threading

from autograder.notebook.syntax import parse

LONG = "\n".join(f"x{i} = [{i}, (a{i} + b{i}) * c{i}]" for i in range(2000))


def test_a_tree_is_parsed_whole_whatever_another_thread_does_meanwhile() -> None:
    other = threading.Thread(target=parse, args=("x = (1 + 2) * 3",))

    def collected(phase: str, info: dict[str, int]) -> None:
        if other.ident is None:
            other.start()
            other.join(0.1)

    gc.callbacks.append(collected)
    try:
        assert len(parse(LONG).body) == 2000
    finally:
        gc.callbacks.remove(collected)
    assert other.ident is not None
    other.join()
