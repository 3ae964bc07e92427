"""Has IPython take every `assert` out of later cells."""

CELLS = {
    "q1": """import ast

class WithoutAsserts(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.copy_location(ast.Pass(), node)

get_ipython().ast_transformers.append(WithoutAsserts())
q1 = 0"""
}
EXPECT = {"q1": ("failed", "q1: count the numbers in data.")}
