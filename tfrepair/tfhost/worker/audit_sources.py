"""Where a class assigns an attribute: read from its source, which is not run.

Knows Python's syntax; nothing of models. Comes beside
:mod:`tfrepair.tfhost.worker.audit_creations`, for what no variable's creation tells.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator

from tfrepair.tfhost.worker.audit_creations import NOWHERE, Place, is_own
from tfrepair.tfhost.worker.audit_holders import Step, file_of


def assigned(step: Step) -> tuple[Place, bool]:
    """Find where the class of a step's owner assigns the attribute.

    Returns
    -------
    The first such line of the source, and whether a method assigns it too that is not part of the
    construction: neither the constructor nor ``build``, nor anything that they call.
    """
    functions = list(_methods(type(step.owner)))
    building = _building([function for _, _, function in functions])
    found = [
        (function.name not in building, Place(file=file, number=first + node.lineno - 1))
        for file, first, function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.Attribute) and _stores(node, step.name)
    ]
    if not found:
        return NOWHERE, False
    return found[0][1], any(is_elsewhere for is_elsewhere, _ in found)


def _methods(kind: type) -> Iterator[tuple[str, int, ast.FunctionDef]]:
    """Yield the methods that a class has from the user's own files, with their place."""
    for base in kind.__mro__:
        file = file_of(base)
        if not file or not is_own(file):
            continue
        try:
            lines, first = inspect.getsourcelines(base)
            tree = ast.parse(textwrap.dedent("".join(lines)))
        except (OSError, TypeError, SyntaxError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                yield file, max(first, 1), node


_CONSTRUCTION = ("__init__", "__post_init__", "build", "build_from_config")


def _building(functions: list[ast.FunctionDef]) -> set[str]:
    """Return the names of the methods that construction calls, directly or not."""
    calls: dict[str, set[str]] = {}
    for function in functions:
        calls.setdefault(function.name, set()).update(
            node.func.attr
            for node in ast.walk(function)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and _is_self(node.func.value)
        )
    found, pending = set(_CONSTRUCTION), list(_CONSTRUCTION)
    while pending:
        new = calls.get(pending.pop(), set()) - found
        found |= new
        pending += new
    return found


def _stores(node: ast.Attribute, name: str) -> bool:
    return node.attr == name and isinstance(node.ctx, ast.Store) and _is_self(node.value)


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"
