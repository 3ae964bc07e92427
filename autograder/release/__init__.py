"""Make released notebooks and the handout from the source notebooks."""
