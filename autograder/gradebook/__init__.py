"""Read and write nbgrader's gradebook and the files that the grader keeps with it."""
