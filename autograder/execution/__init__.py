"""Run a notebook in a sandboxed kernel and collect its outputs and evidence."""
