"""Three simple ways to map, to see what the engine is worth beside them.

Exact names, the longest common end of two names, and the k-th tensor of a shape for the k-th
variable of that shape: what loaders do that know nothing of the two systems.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from scripts.mapping_tables.scoring import Row

_TAIL = re.compile(r"(/\.ATTRIBUTES/[A-Z_]+|:\d+)$")


def exact_name(case: Mapping[str, Any]) -> list[Row]:
    """Take what has the same name and shape."""
    known = {_plain(entry["name"]): entry for entry in case["source"]}
    return [
        _row(known[_plain(entry["path"])]["name"], entry["path"])
        for entry in case["target"]
        if known.get(_plain(entry["path"]), {}).get("shape") == entry["shape"]
    ]


def order_and_shape(case: Mapping[str, Any]) -> list[Row]:
    """Take the next tensor of the variable's shape."""
    waiting: defaultdict[tuple[int, ...], list[str]] = defaultdict(list)
    for entry in case["source"]:
        waiting[tuple(entry["shape"])].append(entry["name"])
    rows = []
    for entry in case["target"]:
        own = waiting[tuple(entry["shape"])]
        if own:
            rows.append(_row(own.pop(0), entry["path"]))
    return rows


def longest_suffix(case: Mapping[str, Any]) -> list[Row]:
    """Take the tensor of the variable's shape whose name shares the most levels at its end."""
    rows = []
    for entry in case["target"]:
        path = _plain(entry["path"]).split("/")
        fitting = [
            (_common(path, _plain(other["name"]).split("/")), other["name"])
            for other in case["source"]
            if other["shape"] == entry["shape"]
        ]
        best = max((length for length, _ in fitting), default=0)
        names = [name for length, name in fitting if length == best]
        if best and len(names) == 1:
            rows.append(_row(names[0], entry["path"]))
    return rows


BASELINES: Mapping[str, Callable[[Mapping[str, Any]], list[Row]]] = {
    "exact name": exact_name,
    "longest common end": longest_suffix,
    "order and shape": order_and_shape,
}


def _plain(name: str) -> str:
    return _TAIL.sub("", name)


def _common(one: list[str], other: list[str]) -> int:
    count = 0
    for mine, its in zip(reversed(one), reversed(other), strict=False):
        if mine != its:
            break
        count += 1
    return count


def _row(source: str, target: str) -> Row:
    return {
        "source": source,
        "target": target,
        "transform": "identity",
        "confidence": 1.0,
        "status": "matched",
    }
