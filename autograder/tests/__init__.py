"""The tests, in the rooms of the package; what several of them use is in `harness/`, `support.py` and a conftest.

While you work, from the root of the repository:

    make quick                                              no kernel, server, browser, nbgrader or TensorFlow
    .venv/bin/python -m pytest autograder/tests/submissions     one room
    .venv/bin/python -m pytest -k restore -m "not kernel"       by words of the name, without kernels
    make test                                               everything; lists what is skipped, and why

A test that is in `make quick` carries no mark. One that starts more carries the marks of what it starts:
`kernel`, `browser`, `server`, `process` or `tensorflow` (pyproject.toml says what each means).
A test without a mark that starts one of these fails, and names the mark.
"""
