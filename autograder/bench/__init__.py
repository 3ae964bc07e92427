"""Measure what grading costs: plain nbgrader and this grader, in one run on one machine.

Theory of operation. Each measurement runs in its own process, on a temporary copy of the same class. Every student in
it gives right answers. A round takes each measurement once; every second round takes them in reverse order, so a busy
period of the machine affects all of them. The figures are medians over all rounds. A measurement starts when plain
nbgrader begins its first notebook, or when this grader has graded its first submission. Start-up is reported
separately.

`scene` makes the classes. `plain` and `ours` (with `worker`, the process that it starts) measure the graders, `limit`
measures the notebooks' cells alone, and `machine` describes the computer. `figures` holds the measurements as data, and
what follows from them. `large` grades one large class and nothing else. `table`, `plot` and `scale` show them.
"""
