"""What grading costs, measured: plain nbgrader beside this grader, in one run on one machine.

Theory of operation. Every measurement runs in a process of its own, on a throw-away copy of one and the same class, in
which every learner gives right answers. A round takes one of each, every other round in reverse order, so that a busy
spell of the machine hits all alike; of all rounds the medians count. What is measured starts when the first notebook
is about to be graded (plain nbgrader) or a first submission has been (this grader): start-up is told apart.

`scene` makes the classes, `plain` and `ours` (with `worker`, the process it starts) measure the graders, `limit` the
notebooks' own cells, `machine` says on what; `figures` holds what was measured, as data, and all that is worked out
from it; `table`, `plot` and `scale` show it.
"""
