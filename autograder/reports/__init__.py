"""The gradebook → pages for the class and for each student."""
