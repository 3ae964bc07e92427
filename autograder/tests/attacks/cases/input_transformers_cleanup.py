"""Has IPython replace the text of every later cell by `pass`."""

CELLS = {
    "q5": """def square(x):
    return 0

get_ipython().input_transformers_cleanup.append(lambda lines: ["pass\\n"])"""
}
EXPECT = {"q5": ("no evidence", "damaged: the answer for q5-test could not be read")}
