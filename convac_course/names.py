"""The names that a piece of code binds, and those that it reads from outside."""

import ast
import builtins
from collections.abc import Iterable

BUILT_IN = frozenset(dir(builtins))


def bound_names(source: str) -> set[str]:
    r"""Return the names that code binds at its top level: assignments, functions, imports.

    Examples
    --------
    >>> sorted(bound_names("import numpy as np\na = [b for b in range(3)]"))
    ['a', 'np']
    """
    walk = _Walk()
    walk.visit(ast.parse(source))
    return walk.bound


def read_names(source: str) -> set[str]:
    r"""Return the names that code reads before it has bound them itself, but for built-in ones.

    Examples
    --------
    >>> sorted(read_names("a = [f(b) for b in c]\nprint(a)"))
    ['c', 'f']
    """
    walk = _Walk()
    walk.visit(ast.parse(source))
    return walk.read - BUILT_IN


class _Walk(ast.NodeVisitor):
    """A walk through code in the order in which it runs; what is inside a scope stays there."""

    def __init__(self, bound: Iterable[str] = ()) -> None:
        self.bound, self.read = set(bound), set[str]()

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.read |= {node.id} - self.bound
        else:
            self.bound.add(node.id)

    def visit_Assign(self, node: ast.Assign) -> None:
        self._in_order(node.value, *node.targets)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._in_order(node.value, *([node.target] if node.value else []))

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.read |= {node.target.id} - self.bound
        self._in_order(node.value, node.target)

    def visit_For(self, node: ast.For) -> None:
        self._in_order(node.iter, node.target, *node.body, *node.orelse)

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        self.bound |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}

    visit_ImportFrom = visit_Import

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.bound.add(node.name)
        self._in_order(*node.decorator_list)
        self._function(node.args, node.body)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._function(node.args, [node.body])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._in_order(*node.decorator_list, *node.bases, *node.keywords)
        self._scope(node.body)
        self.bound.add(node.name)

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self.bound.add(node.name)
        self.generic_visit(node)

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> None:
        self._comprehension(node.generators, node.elt)

    visit_SetComp = visit_GeneratorExp = visit_ListComp

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._comprehension(node.generators, node.key, node.value)

    def _in_order(self, *nodes: ast.AST | None) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    def _comprehension(self, loops: list[ast.comprehension], *results: ast.AST) -> None:
        inner = _Walk(self.bound)
        for loop in loops:
            inner._in_order(loop.iter, loop.target, *loop.ifs)
        inner._in_order(*results)
        self.read |= inner.read

    def _function(self, arguments: ast.arguments, body: Iterable[ast.AST]) -> None:
        self._in_order(*arguments.defaults, *arguments.kw_defaults)
        groups = [arguments.posonlyargs, arguments.args, arguments.kwonlyargs]
        found = [argument for group in groups for argument in group]
        found += [one for one in (arguments.vararg, arguments.kwarg) if one]
        self._scope(body, {argument.arg for argument in found})

    def _scope(self, body: Iterable[ast.AST], own: Iterable[str] = ()) -> None:
        inner = _Walk(self.bound | set(own))
        for node in body:
            inner.visit(node)
        self.read |= inner.read
