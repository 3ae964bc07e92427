"""The documentation site: pages by hand, and pages that are generated from the code and the notebooks."""
