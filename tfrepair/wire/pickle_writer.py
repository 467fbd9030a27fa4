"""Lists, dicts and arrays as a pickle that every Python 3 and NumPy reads."""

import pickle
from typing import Any

PROTOCOL = 3
"""The newest that NumPy 1.13 with Python 3 reads; later NumPy reads it as well."""


def dump_tree(tree: Any) -> bytes:  # noqa: ANN401 - what a pickle of arrays holds
    """Return the pickle of lists, dicts and arrays; nothing else is handed in."""
    return pickle.dumps(tree, protocol=PROTOCOL)
