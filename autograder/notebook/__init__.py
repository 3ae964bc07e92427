"""Read and change notebook cells and their code as data. Nothing here runs a notebook."""
