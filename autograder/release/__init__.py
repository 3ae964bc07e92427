"""Source notebooks → released notebooks and the handout."""
