"""The layout of a save from its own object graph, with shapes from another save.

The graph at the end of the data lists every key in the order of the data, but no shapes. Another
save of the same run knows most of them: by key, or by the name of the variable. Slots that came
later have the shape of their variable. The sizes must add up to the byte, and the checksum of the
graph's length must lie where the layout puts it: a wrong guess does not survive that.

Source: object graphs of TensorFlow 2.3 and 2.21, tf_keras and Keras 3; ``tests/golden``.
"""

from collections.abc import Iterator, Mapping, Sequence

from tfrepair.readers.layouts import Template
from tfrepair.wire.bundle import OBJECT_GRAPH_KEY
from tfrepair.wire.bundle_layout import OBJECT_GRAPH, Expected
from tfrepair.wire.element_types import VARIANT
from tfrepair.wire.object_graph import VARIABLE_VALUE, TrackableNode

_INT64, _FLOAT = 9, 1
_ITERATOR, _TABLE = "/.ATTRIBUTES/ITERATOR", "/.ATTRIBUTES/table"
_COUNTERS = frozenset({"iter", "iteration", "iterations", "save_counter", "step", "global_step"})
_SCALARS = frozenset(
    {
        "beta_1",
        "beta_2",
        "current_learning_rate",
        "decay",
        "epsilon",
        "initial_accumulator_value",
        "learning_rate",
        "learning_rate_power",
        "momentum",
        "momentum_cache",
        "rho",
        "u_product",
    }
)


def keys_of_graph(nodes: Sequence[TrackableNode]) -> set[str]:
    """Return the keys that a save with this object graph has."""
    return {key for _, _, key in _attributes(nodes)} | {OBJECT_GRAPH_KEY}


def expected_of_graph(
    nodes: Sequence[TrackableNode], template: Template
) -> tuple[Expected, ...] | None:
    """Return what a data file holds, in the order of its object graph.

    Parameters
    ----------
    nodes
        The graph at the end of the data file.
    template
        Another save, or the graph of the program: says types and shapes.

    Returns
    -------
    ``None`` if the type or shape of a tensor cannot be told.
    """
    by_key = {item.name: item for shard in template.shards for item in shard if item.part is None}
    by_name = {
        name: by_key[key] for name, _, key in _attributes(template.nodes) if key in by_key and name
    }
    originals = _originals(nodes)
    found: list[Expected] = []
    known: dict[int, Expected] = {}
    late: list[tuple[int, int, str, str]] = []
    for name, place, key in _attributes(nodes):
        item = by_key.get(key) or by_name.get(name) or _scalar(name, key)
        if item is None:
            late.append((len(found), place, name, key))
            item = OBJECT_GRAPH
        else:
            known[place] = item
        found.append(_renamed(item, key))
    variables = {
        name: known[place] for name, place, _ in _attributes(nodes) if place in known and name
    }
    for at, place, name, key in late:
        item = known.get(originals.get(place, -1)) or _slotted(name, variables)
        if item is None:
            return None
        found[at] = _renamed(item, key)
    return (*found, OBJECT_GRAPH)


def _attributes(nodes: Sequence[TrackableNode]) -> Iterator[tuple[str, int, str]]:
    """Go through full name, node and stored key of everything that a graph saves, in order."""
    for place, node in enumerate(nodes):
        for attribute in node.attributes:
            key = attribute.key
            if key.endswith(_ITERATOR):
                yield attribute.full_name, place, f"{key}_STATE"
            elif key.endswith(_TABLE):
                yield attribute.full_name, place, f"{key}-keys"
                yield attribute.full_name, place, f"{key}-values"
            else:
                name = attribute.full_name if attribute.name == VARIABLE_VALUE else ""
                yield name, place, key


def _originals(nodes: Sequence[TrackableNode]) -> dict[int, int]:
    """Return the variable's node for the node of each of its slots."""
    return {slot.slot: slot.original for node in nodes for slot in node.slots}


def _renamed(item: Expected, key: str) -> Expected:
    return Expected(name=key, dtype=item.dtype, shape=item.shape)


def _scalar(name: str, key: str) -> Expected | None:
    """Return a counter or hyperparameter, which no other save needs to tell."""
    if key.endswith("ITERATOR_STATE"):
        return Expected(name=key, dtype=VARIANT, shape=(1,))
    words = {name.rpartition("/")[2], *key.split("/.ATTRIBUTES", maxsplit=1)[0].rpartition("/")[2:]}
    words |= {word.lstrip("_") for word in words}
    if words & _COUNTERS:
        return Expected(name=key, dtype=_INT64, shape=())
    if words & _SCALARS:
        return Expected(name=key, dtype=_FLOAT, shape=())
    return None


def _slotted(name: str, variables: Mapping[str, Expected]) -> Expected | None:
    """Return what has the shape of a slot: the longest variable name inside the slot's name.

    ``Adam/m/dense/kernel`` belongs to ``dense/kernel``,
    ``adam/sequential_dense_kernel_momentum`` to ``sequential/dense/kernel``.
    """
    best = ""
    for variable in variables:
        flat = variable.replace("/", "_")
        inside = name.endswith(f"/{variable}") or f"/{flat}_" in f"{name}_"
        if inside and variable != name and len(variable) > len(best):
            best = variable
    return variables.get(best)
