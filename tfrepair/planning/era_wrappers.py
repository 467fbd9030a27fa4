"""What the layer inside of ``Bidirectional`` and ``TimeDistributed`` is called on both sides.

Keras named it after a counter in one era and after the layer in the next, or not at all. There is
one inside a ``TimeDistributed`` and there are two directions in a ``Bidirectional``: the wrapper
tells which is which. Pure.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tfrepair.core.architecture import Architecture, LayerNode
from tfrepair.core.tensor import TensorStore
from tfrepair.planning.era_words import split_name

_AUTOMATIC = {"TimeDistributed": "time_distributed", "Bidirectional": "bidirectional"}
_OLD_SPELLINGS = {"time_distributed": ("time_distributed", "timedistributed")}
_DIRECTIONS = ("forward", "backward")
_NUMBER = re.compile(r"(?P<base>.+?)_(?P<number>\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrappers:
    """Names of units in a source to their names in the architecture."""

    names: Mapping[str, str] = field(default_factory=dict)

    def name_of(self, unit: str) -> str:
        """Return the name that the architecture has for a unit; its own if it has none."""
        return self.names.get(unit, unit)


def wrappers(store: TensorStore, architecture: Architecture) -> Wrappers:
    """Find the wrappers that both sides have under one name, or the n-th of n automatic names."""
    if architecture.root is None:
        return Wrappers()
    glued = store.attributes.get("era") == "1"
    units = dict.fromkeys(
        split_name(tensor.name, glued=glued)[0] for tensor in store if tensor.may_be_weight
    )
    layers: dict[str, list[str]] = {}
    for unit in units:
        for layer in _parents(unit):
            layers.setdefault(layer, []).append(unit)
    names: dict[str, str] = {}
    nodes = [node for node in _nodes(architecture.root) if node.class_name in _AUTOMATIC]
    for node, layer in _pairs(nodes, layers):
        names |= _inside(node, layers[layer], architecture)
    return Wrappers(names=names)


def _parents(unit: str) -> Iterator[str]:
    parts = unit.split("/")
    for stop in range(1, len(parts) + 1):
        yield "/".join(parts[:stop])


def _nodes(node: LayerNode) -> Iterator[LayerNode]:
    seen: set[str] = set()
    stack = [node]
    while stack:
        node = stack.pop()
        if node.path in seen and node.path:
            continue
        seen.add(node.path)
        yield node
        stack += reversed(node.children)


def _pairs(
    nodes: Iterable[LayerNode], layers: Mapping[str, list[str]]
) -> Iterator[tuple[LayerNode, str]]:
    """Yield the wrappers of the architecture with the layers of the source."""
    for class_name, base in _AUTOMATIC.items():
        ours = [node for node in nodes if node.class_name == class_name]
        automatic = {node.name for node in ours if _numbered(node.name)[0] == base}
        for node in ours:
            ends = [layer for layer in layers if _ends_with(layer, node.name)]
            if node.name not in automatic and len(ends) == 1:
                yield node, ends[0]
        spelled = _OLD_SPELLINGS.get(base, (base,))
        theirs = [layer for layer in layers if _numbered(layer.rpartition("/")[2])[0] in spelled]
        if len(theirs) == len(automatic):
            by_number = sorted(theirs, key=lambda layer: _numbered(layer.rpartition("/")[2])[1])
            counted = [node for node in ours if node.name in automatic]
            counted.sort(key=lambda node: _numbered(node.name)[1])
            yield from zip(counted, by_number, strict=True)


def _ends_with(layer: str, name: str) -> bool:
    return layer == name or layer.endswith(f"/{name}")


def _inside(node: LayerNode, units: Iterable[str], architecture: Architecture) -> dict[str, str]:
    """Return the units of a wrapper in a source with the ones that the architecture has."""
    paths = {path for child in _nodes(node) for path in _own(child)}
    wanted = dict.fromkeys(
        str(v.path).rpartition("/")[0] for v in architecture.weights if v.path in paths
    )
    units = list(units)
    if node.class_name == "TimeDistributed":
        if len(wanted) == len(units) == 1:
            return dict(zip(units, wanted, strict=True))
        return {}
    found = {}
    for direction in _DIRECTIONS:
        have = [unit for unit in units if _is_of(unit, direction)]
        want = [unit for unit in wanted if _is_of(unit, direction)]
        if len(have) == len(want) == 1:
            found[have[0]] = want[0]
    return found if len(found) == len(_DIRECTIONS) == len(units) else {}


def _own(node: LayerNode) -> tuple[str, ...]:
    return (*node.own_trainable, *node.own_non_trainable)


def _is_of(unit: str, direction: str) -> bool:
    return any(part.startswith(f"{direction}_") for part in unit.split("/"))


def _numbered(name: str) -> tuple[str, int]:
    """Return an automatic name without its number, and the number: 0 if it has none."""
    match = _NUMBER.fullmatch(name)
    return (match["base"], int(match["number"])) if match else (name, 0)
