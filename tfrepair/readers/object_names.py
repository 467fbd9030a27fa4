"""Names in object-graph checkpoints: readable ones for variables, and what each is there for.

A key spells the way from the root (``model/layer_with_weights-0/kernel/...``); the object graph
has each variable's own name besides, and says which variable is a slot of which. Knows the graph
only; pure.

Source: tf.keras 2.3, tf_keras 2.21, Keras 3.15, tf.Module, dumped in ``tests/golden``.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from tfrepair.core.tensor import Purpose
from tfrepair.readers.naming import Naming
from tfrepair.wire.object_graph import TrackableNode

_VALUE_END = "/.ATTRIBUTES/VARIABLE_VALUE"
_ESCAPE = re.compile(r"\.([.S])")
_AUTOMATIC = re.compile(r"^[Vv]ariable(?:_\d+)?$")
"""What TensorFlow calls variables without a name of their own."""

_STEPS = ("iter", "iterations", "_iterations", "step", "_step", "global_step", "epoch")
_COUNTERS = frozenset({*_STEPS, "save_counter", "step_counter", "good_steps"})
_OPTIMIZER_EDGES = frozenset(
    {"_variables", "_iterations", "iter", "_trainable_variables", "_learning_rate", "beta_1"}
)
_METRIC_EDGES = frozenset(
    {"keras_api/metrics", "_metrics", "compiled_metrics", "_compile_metrics", "_loss_tracker"}
)
_OWN, _OWN_OPTIMIZER, _OWN_METRICS = "vars/", "vars/optimizer/", "vars/metrics/"
"""Where the SavedModels of tfrepair itself keep every variable under its readable path."""
_KERAS3_SLOTS = (
    "momentum", "velocity_hat", "velocity", "gradient_accumulator", "accumulator",
    "accumulated_grad", "accumulated_delta_var", "average_gradient", "norm", "linear", "average",
)  # fmt: skip
"""Longer names before those that they end in."""

Names = Mapping[str, Naming]


def name_objects(nodes: tuple[TrackableNode, ...], keys: Iterable[str]) -> Names:
    """Say what every entry of an object-graph checkpoint is.

    Parameters
    ----------
    nodes
        The object graph.
    keys
        Keys of the checkpoint; those that the graph does not know keep their key as a name.

    Returns
    -------
    By key. A variable's name is the one it was given, if that is unique and not automatic, else
    the way to it without the ending. Slots and averages name their variable.
    """
    variables = {node.value_key: place for place, node in enumerate(nodes) if node.value_key}
    full = {key: _full_name(nodes[place]) for key, place in variables.items()}
    uses = Counter(full.values())
    names = {
        key: name if _is_good(name, key) and uses[name] == 1 else path_of(key)
        for key, name in full.items()
    }
    twice = Counter(names.values())
    names = {key: name if twice[name] == 1 else key for key, name in names.items()}
    slots = _graph_slots(nodes, names) | _factors(nodes, names, full) | _own_state(names)
    optimizers = _optimizer_nodes(nodes)
    found = {}
    for key in keys:
        if key not in names:
            found[key] = Naming(name=key, purpose=Purpose.BOOKKEEPING)
        elif key in slots:
            found[key] = slots[key]
        else:
            found[key] = _variable(key, names, full, optimizers)
    return found


def path_of(key: str) -> str:
    """Return the way to a variable: its key without the ending, escapes undone."""
    return _ESCAPE.sub(lambda m: "/" if m[1] == "S" else ".", key.removesuffix(_VALUE_END))


def _full_name(node: TrackableNode) -> str:
    return next(a.full_name for a in node.attributes if a.key == node.value_key)


def _is_good(name: str, key: str) -> bool:
    if not name or _AUTOMATIC.match(name):
        return False
    return "/" in name or name == path_of(key).rpartition("/")[2]


def _graph_slots(nodes: tuple[TrackableNode, ...], names: Mapping[str, str]) -> dict[str, Naming]:
    """Return the slots that older optimizers list in the graph, by key."""
    found = {}
    for node in nodes:
        for slot in node.slots:
            key, owner = nodes[slot.slot].value_key or "", nodes[slot.original].value_key or ""
            if key in names and owner in names:
                is_average = slot.name == "average"
                found[key] = Naming(
                    name=names[key],
                    purpose=Purpose.AVERAGE if is_average else Purpose.SLOT,
                    slot=slot.name,
                    slot_of=names[owner],
                )
    return found


def _factors(
    nodes: tuple[TrackableNode, ...], names: Mapping[str, str], full: Mapping[str, str]
) -> dict[str, Naming]:
    """Return the row and column factors of Keras 3's Adafactor, by key: both have one full name.

    The optimizer has the edges ``_r`` and ``_c``, but nothing hangs on them. They mark the list
    in which every weight has its row factor, its column factor and its velocity, in this order.
    """
    found = {}
    for node in nodes:
        if not {"_r", "_c", "_variables"} <= node.children.keys():
            continue
        listed = nodes[node.children["_variables"]].children
        numbers = (number for number in map(str, range(len(listed))) if number in listed)
        values = (nodes[listed[number]].value_key for number in numbers)
        keys = [key for key in values if key is not None and key in names]
        for row, column, velocity in zip(keys, keys[1:], keys[2:], strict=False):
            last = full[row].rpartition("/")[2]
            if full[row] == full[column] and full[velocity].endswith(f"_{last}_velocity"):
                owner = _slot_by_name(full[velocity], names)[1]
                for key, slot in ((row, "r"), (column, "c")):
                    found[key] = Naming(
                        name=names[key], purpose=Purpose.SLOT, slot=slot, slot_of=owner
                    )
    return found


def _own_state(names: Mapping[str, str]) -> dict[str, Naming]:
    """Return the state of a training in a SavedModel that tfrepair wrote, by key."""
    paths = {path_of(key): key for key in names if key.startswith(_OWN)}
    found = {}
    for path, key in paths.items():
        if path.startswith(_OWN_METRICS):
            found[key] = Naming(name=names[key], purpose=Purpose.METRIC)
        elif path.startswith(_OWN_OPTIMIZER):
            owner, _, word = path.removeprefix(_OWN_OPTIMIZER).rpartition("/")
            found[key] = _own_optimizer(names[key], word, names.get(paths.get(_OWN + owner, "")))
    return found


def _own_optimizer(name: str, word: str, owner: str | None) -> Naming:
    if owner is None:
        is_count = word in _COUNTERS or word == "iteration"
        return Naming(name=name, purpose=Purpose.COUNTER if is_count else Purpose.HYPERPARAMETER)
    purpose = Purpose.AVERAGE if word == "average" else Purpose.SLOT
    return Naming(name=name, purpose=purpose, slot=word, slot_of=owner)


def _optimizer_nodes(nodes: tuple[TrackableNode, ...]) -> frozenset[str]:
    """Return the ways to all optimizers: nodes with slots or with an optimizer's own edges."""
    found = set()
    for node in nodes:
        if not node.slots and len(_OPTIMIZER_EDGES & set(node.children)) < 2:
            continue
        for child in node.children.values():
            key = nodes[child].value_key
            if key is not None:
                found.add(path_of(key).rpartition("/")[0])
    return frozenset(found - {""})


def _variable(
    key: str, names: Mapping[str, str], full: Mapping[str, str], optimizers: frozenset[str]
) -> Naming:
    name, path = names[key], path_of(key)
    parent, _, edge = path.rpartition("/")
    around = [optimizer for optimizer in optimizers if path.startswith(f"{optimizer}/")]
    inside = max(around, key=len, default=None)
    if edge in _COUNTERS:
        return Naming(name=name, purpose=Purpose.COUNTER)
    if any(f"{mark}/" in f"{path}/" for mark in _METRIC_EDGES):
        return Naming(name=name, purpose=Purpose.METRIC)
    if "seed_generator_state" in name or edge == "_state_var":
        return Naming(name=name, purpose=Purpose.SEED)
    if inside is None or "/_trainable_variables/" in path:
        return Naming(name=name, purpose=Purpose.WEIGHT)
    if not parent.endswith("/_variables"):
        return Naming(name=name, purpose=Purpose.HYPERPARAMETER)
    slot, owner = _slot_by_name(full[key], names)
    return Naming(
        name=name,
        purpose=Purpose.AVERAGE if slot == "average" else Purpose.SLOT,
        slot=slot,
        slot_of=owner,
    )


def _slot_by_name(full: str, names: Mapping[str, str]) -> tuple[str, str]:
    """Read ``Adam/m/hidden/kernel`` and ``adam/sequential_hidden_kernel_momentum``.

    Returns
    -------
    The slot's name and its variable's. The variable is empty if none or more than one fits:
    Keras 3 joins names with the character that also separates words. Both are empty for names
    of another form.
    """
    owners = [name for name in names.values() if full.endswith(f"/{name}")]
    if owners:
        owner = max(owners, key=len)
        return full.removesuffix(f"/{owner}").rpartition("/")[2], owner
    last = full.rpartition("/")[2]
    for slot in _KERAS3_SLOTS:
        if last.endswith(f"_{slot}"):
            joined = last.removesuffix(f"_{slot}")
            fitting = [name for name in names.values() if name.replace("/", "_") == joined]
            return slot, fitting[0] if len(fitting) == 1 else ""
    return "", ""
