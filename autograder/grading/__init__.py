"""One submission → its result; a class → recorded results."""
