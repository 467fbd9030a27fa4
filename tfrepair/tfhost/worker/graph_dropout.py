"""Placeholders that set how much dropout drops, known by what the graph does with them.

Old code gives them no name. ``tf.nn.dropout`` compares uniform random numbers with the rate, or
adds them to the probability to keep, depending on its version.

Source: graphs of TensorFlow 1.4, 1.15 and 2.21; ``tests/tfhost/worker``.
"""

from enum import StrEnum

from tfrepair.tfhost.worker.graph_view import GraphView, TensorRef

_DEPTH = 4
_PASSES = frozenset({"Identity", "Cast"})
_SUMS = frozenset({"Add", "AddV2"})
_RANDOM_REACH = 4


class Setting(StrEnum):
    """What a number sets."""

    KEEP = "keep"
    """The probability to keep an element: 1 drops nothing."""
    RATE = "rate"
    """The probability to drop an element: 0 drops nothing."""


def dropout_setting(graph: GraphView, name: str) -> Setting | None:
    """Return what a scalar placeholder sets, or ``None`` if it does not go into a dropout only.

    Parameters
    ----------
    graph
        Any graph.
    name
        Of the placeholder.
    """
    found = _roles(graph, name, is_rest=False, depth=_DEPTH)
    return found.pop() if len(found) == 1 else None


def _roles(graph: GraphView, name: str, *, is_rest: bool, depth: int) -> set[Setting]:
    """Follow a number, and one minus it (``is_rest``), to where random numbers are."""
    roles: set[Setting] = set()
    for taker, _ in graph.consumers.get(name, ()) if depth else ():
        op = graph.nodes[taker].op
        inputs = graph.inputs(taker)
        if op in _PASSES:
            roles |= _roles(graph, taker, is_rest=is_rest, depth=depth - 1)
        elif op == "Sub" and len(inputs) == 2 and inputs[1].node == name:
            roles |= _roles(graph, taker, is_rest=not is_rest, depth=depth - 1)
        elif op == "GreaterEqual" and inputs[1].node == name and _is_random(graph, inputs[0]):
            roles.add(Setting.KEEP if is_rest else Setting.RATE)
        elif op in _SUMS and any(_is_random(graph, ref) for ref in inputs if ref.node != name):
            roles.add(Setting.RATE if is_rest else Setting.KEEP)
    return roles


def _is_random(graph: GraphView, ref: TensorRef) -> bool:
    """Tell whether a tensor is uniform random numbers, scaled and shifted at most."""
    pending = [ref.node]
    for _ in range(_RANDOM_REACH):
        if any(graph.nodes[node].op == "RandomUniform" for node in pending):
            return True
        pending = [
            inner.node
            for node in pending
            if graph.nodes[node].op in _SUMS | {"Mul"}
            for inner in graph.inputs(node)
        ]
    return False
