"""Grade one submission, or a whole class, and record the results."""
