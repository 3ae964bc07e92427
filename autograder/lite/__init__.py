"""The course as a static site that runs in a browser tab: JupyterLite, with Keras on NumPy under Pyodide."""
