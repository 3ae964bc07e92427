"""A course folder: its settings, its paths, its gradebook, and nbgrader's converters run over it."""
