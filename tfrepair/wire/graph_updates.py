"""The update operations of a TensorFlow 1 graph, with the hyperparameters that are constants in it.

Reads the ``.meta`` file beside a checkpoint as protocol buffers, without TensorFlow: which
``ApplyAdam``, ``ApplyMomentum``, ... there are, and what their scalar inputs are. What is computed
(a learning rate schedule) or fed stays out; so does what two operations of a kind do differently.

Source: meta_graph.proto, graph.proto, node_def.proto, attr_value.proto, tensor.proto; inputs of the
operations in tensorflow ``core/ops/training_ops.cc``.
"""

import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from tfrepair.wire.crc32c import Buffer
from tfrepair.wire.mapping import map_file
from tfrepair.wire.protobuf import Message, parse

_APPLY: Mapping[str, tuple[str, Mapping[str, int]]] = MappingProxyType(
    {
        "ApplyAdam": ("adam", {"learning_rate": 5, "beta_1": 6, "beta_2": 7, "epsilon": 8}),
        "ApplyMomentum": ("sgd", {"learning_rate": 2, "momentum": 4}),
        "ApplyGradientDescent": ("sgd", {"learning_rate": 1}),
        "ApplyRMSProp": (
            "rmsprop",
            {"learning_rate": 3, "rho": 4, "momentum": 5, "epsilon": 6},
        ),
        "ApplyCenteredRMSProp": (
            "rmsprop",
            {"learning_rate": 4, "rho": 5, "momentum": 6, "epsilon": 7},
        ),
        "ApplyAdagrad": ("adagrad", {"learning_rate": 2}),
        "ApplyAdagradV2": ("adagrad", {"learning_rate": 2, "epsilon": 3}),
        "ApplyProximalAdagrad": ("proximaladagrad", {"learning_rate": 2}),
        "ApplyAdadelta": ("adadelta", {"learning_rate": 3, "rho": 4, "epsilon": 5}),
        "ApplyFtrl": (
            "ftrl",
            {
                "learning_rate": 4,
                "l1_regularization_strength": 5,
                "l2_regularization_strength": 6,
                "learning_rate_power": 7,
            },
        ),
        "ApplyFtrlV2": (
            "ftrl",
            {
                "learning_rate": 4,
                "l1_regularization_strength": 5,
                "l2_regularization_strength": 6,
                "l2_shrinkage_regularization_strength": 7,
                "learning_rate_power": 8,
            },
        ),
    }
)
"""Family and places of the scalar inputs, by the dense operation."""
_PASSES = frozenset({"Identity", "Cast", "ReadVariableOp", "Enter"})
_FLOAT, _DOUBLE = 1, 2
_MAX_HOPS = 16


def read_updates(path: Path) -> dict[str, dict[str, float | bool]]:
    """Return the hyperparameters of the updates in a graph, by family.

    Parameters
    ----------
    path
        A ``MetaGraphDef``; it is read as a whole.

    Raises
    ------
    SourceError
        If the file is none.
    OSError
        If it cannot be read.
    """
    return updates_in(map_file(path), str(path))


def updates_in(data: Buffer, where: str) -> dict[str, dict[str, float | bool]]:
    """Return the hyperparameters of the updates in the bytes of a ``MetaGraphDef``.

    Raises
    ------
    SourceError
        If it is none.
    """
    nodes = {}
    for held in parse(data, where).message(2).raws(1):
        node = parse(held, where)
        nodes[node.text(1)] = node
    found: dict[str, dict[str, set[float | bool]]] = {}
    for node in nodes.values():
        kind = node.text(2).removeprefix("Resource")
        if kind not in _APPLY:
            continue
        family, places = _APPLY[kind]
        inputs = [name for name in _inputs(node) if not name.startswith("^")]
        values = found.setdefault(family, {})
        for name, place in places.items():
            value = _constant(inputs[place], nodes, where) if place < len(inputs) else None
            values.setdefault(name, set()).add(float("nan") if value is None else value)
        if kind == "ApplyMomentum":
            values.setdefault("nesterov", set()).add(_flag(node, "use_nesterov", where))
        if kind == "ApplyCenteredRMSProp":
            values.setdefault("centered", set()).add(True)
    return {family: _certain(values) for family, values in found.items()}


def _certain(values: Mapping[str, set[float | bool]]) -> dict[str, float | bool]:
    """Keep what all operations of a family agree on; NaN stands for what is not constant."""
    return {
        name: next(iter(several))
        for name, several in values.items()
        if len(several) == 1 and all(value == value for value in several)
    }


def _constant(name: str, nodes: Mapping[str, Message], where: str) -> float | None:
    """Return the number behind an input, through operations that pass it on."""
    for _ in range(_MAX_HOPS):
        node = nodes.get(name.partition(":")[0])
        if node is None:
            return None
        kind = node.text(2)
        if kind == "Const":
            return _number(node, where)
        inputs = _inputs(node)
        if kind not in _PASSES or not inputs:
            return None
        name = inputs[0]
    return None


def _inputs(node: Message) -> list[str]:
    return [bytes(name).decode("utf-8", "surrogateescape") for name in node.raws(3)]


def _attributes(node: Message, where: str) -> Iterable[tuple[str, Message]]:
    for data in node.raws(5):
        entry = parse(data, where)
        yield entry.text(1), entry.message(2)


def _flag(node: Message, wanted: str, where: str) -> bool:
    return any(name == wanted and value.uint(5) for name, value in _attributes(node, where))


def _number(node: Message, where: str) -> float | None:
    """Return the one number of a constant: a float or double, packed, repeated or as bytes."""
    for name, value in _attributes(node, where):
        if name != "value":
            continue
        tensor = value.message(8)
        kind = tensor.uint(1)
        letter, size, field = {_FLOAT: ("<f", 4, 5), _DOUBLE: ("<d", 8, 6)}.get(kind, ("", 0, 0))
        if not size:
            return None
        for content in (*tensor.fields.get(4, ()), *tensor.fields.get(field, ())):
            data = content.to_bytes(size, "little") if isinstance(content, int) else content
            if len(data) == size:
                number = float(struct.unpack(letter, bytes(data))[0])
                return float(f"{number:.7g}") if kind == _FLOAT else number
    return None
