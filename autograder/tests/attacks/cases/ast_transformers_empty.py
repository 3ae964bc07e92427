"""Has IPython empty every later cell, whatever it is."""

CELLS = {
    "q5": """import ast

class Empty(ast.NodeTransformer):
    def visit_Module(self, node):
        return ast.Module(body=[], type_ignores=[])

def square(x):
    return 0

get_ipython().ast_transformers.append(Empty())"""
}
EXPECT = {"q5": ("no evidence", "damaged: the answer for q5-test could not be read")}
