"""Hands in files that Python runs whenever it starts, if it finds them."""

_RUN = "open('@OUTSIDE@/ran', 'w').close()\n"
FILES = {"sitecustomize.py": _RUN, "usercustomize.py": _RUN, "hook.pth": f"import os; {_RUN}"}
