"""Turn the files that students hand in into notebooks that can be run, and report the repairs."""
