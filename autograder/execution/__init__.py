"""A notebook → its outputs and evidence, in a sandboxed kernel."""
