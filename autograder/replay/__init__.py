"""Run a notebook again and compare its outputs with the stored ones."""
