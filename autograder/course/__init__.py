"""Read a course folder: its settings, paths and gradebook, and run nbgrader's converters on it."""
