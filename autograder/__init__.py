"""A grader for Jupyter courses: fast, and no answer but the right one earns a mark."""
