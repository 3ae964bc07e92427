"""Rewrite a test so that the judge knows each visit of a comparison, an operation, a condition and a call.

Values and order of evaluation stay the same, and every new node has the position of the node that it serves, so that
error messages and `places` name the test's own lines.
"""

import ast

VALUE, TRUTH, CALL = "__value__", "__truth__", "__call__"  # names of the hooks in the test's namespace


class _Marks(ast.NodeTransformer):
    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        node.left = _hook(VALUE, node.left, node)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        node.left = _hook(VALUE, node.left, node)
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        node.value = _hook(VALUE, node.value, node)
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.AST:
        self.generic_visit(node)
        node.values = [_hook(VALUE, value, value) for value in node.values]
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Name) and node.func.id == "super":
            return self.generic_visit(node)
        self.generic_visit(node)
        node.func = _hook(CALL, node.func, node)
        return node

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        return self._condition(node)

    def visit_If(self, node: ast.If) -> ast.AST:
        return self._condition(node)

    def visit_While(self, node: ast.While) -> ast.AST:
        return self._condition(node)

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        return self._condition(node)

    def visit_comprehension(self, node: ast.comprehension) -> ast.AST:
        self.generic_visit(node)
        node.ifs = [_hook(TRUTH, test, test) for test in node.ifs]
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.Not):
            node.operand = _hook(TRUTH, node.operand, node.operand)
        return node

    def _condition(self, node: ast.Assert | ast.If | ast.While | ast.IfExp) -> ast.AST:
        self.generic_visit(node)
        node.test = _hook(TRUTH, node.test, node.test)
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        return node  # positions inside an f-string are not its own before Python 3.12


def _hook(name: str, value: ast.expr, place: ast.AST) -> ast.expr:
    call = ast.Call(ast.Name(name, ast.Load()), [value], [])
    for node in (call, call.func):
        ast.copy_location(node, place)
    return call


def instrumented(tree: ast.Module) -> ast.Module:
    """Return the tree with hooks, which call `__value__`, `__truth__` and `__call__`."""
    marked: ast.Module = ast.fix_missing_locations(_Marks().visit(tree))
    return marked
