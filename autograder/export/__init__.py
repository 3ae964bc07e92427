"""The gradebook → files for a learning platform."""
