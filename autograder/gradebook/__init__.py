"""Results ↔ nbgrader's gradebook, and the files beside it."""
