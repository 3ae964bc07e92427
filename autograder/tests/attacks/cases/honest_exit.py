"""Is right, and has left an `exit()` in a cell, which usually ends the kernel a tenth of a second later."""

CELLS = {"q3": "q3 = data.mean(axis=0)\nexit()", "q4": "import time\n\ntime.sleep(0.5)\nq4 = (rows, columns)"}
