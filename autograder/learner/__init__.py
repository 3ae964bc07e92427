"""Open the notebooks for a student, and pack them to hand in."""
