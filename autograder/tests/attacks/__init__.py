"""Attacks on the grader: `cases` are what is handed in, `harness` tries them on both graders."""
