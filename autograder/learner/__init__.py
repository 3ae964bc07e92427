"""What the command does for a student: open the notebooks, pack them."""
