"""The text in which genotypes are published, ``Genotype(normal=[...], normal_concat=...)``."""

import ast
from typing import Any

from .._checks import brief
from ..errors import InvalidArchitectureError

_CONCAT = [2, 3, 4, 5]


def parse_text(text: str) -> dict[str, Any]:
    """Return the cells by role, as lists of pairs; nothing of the text is run.

    Raises:
        InvalidArchitectureError: If it is no such text, or a cell's output is not the
            concatenation of the nodes 2 to 5.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise _fail(text) from None
    name = tree.func.id if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) else ""
    if not isinstance(tree, ast.Call) or name != "Genotype" or tree.args:
        raise _fail(text)
    parts = {keyword.arg: keyword.value for keyword in tree.keywords}
    cells = {}
    for role, value in parts.items():
        if role is None:
            raise _fail(text)
        if not role.endswith("_concat"):
            cells[role] = _literal(value, text)
        elif _concat(value, text) != _CONCAT:
            msg = f"genotype: expected range(2, 6) as {role}, got {brief(ast.unparse(value))}"
            raise InvalidArchitectureError(msg)
    return cells


def _literal(node: ast.expr, text: str) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise _fail(text) from None


def _concat(node: ast.expr, text: str) -> Any:
    """Return the nodes of a list, or of a range of two numbers."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "range":
        bounds = [_literal(argument, text) for argument in node.args]
        return _CONCAT if bounds == [2, 6] else None
    found = _literal(node, text)
    return list(found) if isinstance(found, list | tuple) else None


def _fail(text: str) -> InvalidArchitectureError:
    expected = "Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=range(2, 6), ...)"
    return InvalidArchitectureError(f"genotype: expected {expected}, got {brief(text)}")
