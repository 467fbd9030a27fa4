"""Which operations of a graph of TensorFlow 1 may be its training step, and what is minimized.

A step is what changes variables by gradients. The collection ``train_op`` names it; ``tf.keras`` in
graph mode fills none, but then the graph's own end tells: nothing depends on the operation that
runs all updates. Comes before :mod:`tfrepair.tfhost.worker.graph_training`, which chooses.

Source: ``tf.train.Optimizer.minimize`` of 1.4 and 1.15, ``GraphExecutionFunction`` of
tensorflow/python/keras/backend.py 1.15 (``group_deps``), measured in ``tests/tfhost/worker``.
"""

import re
from collections.abc import Collection, Iterable
from typing import Any

from tfrepair.tfhost.worker.graph_outputs import GRADIENTS, UPDATES, VARIABLES
from tfrepair.tfhost.worker.graph_view import GraphView, TensorRef, tensor_ref

COLLECTION = "train_op"
_APPLIES = re.compile(r"^(?:Resource)?(?:Sparse)?(?:Apply|ScatterSub)")
_SCOPE = re.compile(r"(?:^|/)gradients(?:_\d+)?(?=/)")
_NO_STEPS = re.compile(r"Summary|^(?:Save|Restore|MergeV2|Print|Assert)")


def steps(graph: GraphView, meta: Any) -> tuple[str, ...]:
    """Return the operations that may be the training step; one, if the graph determines it.

    Parameters
    ----------
    graph, meta
        The graph, and the ``MetaGraphDef`` around it.
    """
    collected = _outermost(graph, members(meta, COLLECTION))
    if len(collected) == 1:
        return tuple(collected)
    ends = _ends(graph)
    if not collected:
        return tuple(ends)
    # An alternating or common step of several optimizers may be grouped outside of the collection.
    around = [end for end in ends if set(collected) < graph.ancestors([end])]
    return tuple(around if len(around) == 1 else collected)


def members(meta: Any, collection: str) -> tuple[str, ...]:
    """Return the node names in a collection."""
    names = (
        meta.collection_def[collection].node_list.value if collection in meta.collection_def else ()
    )
    return tuple(tensor_ref(name).node for name in names)


def _outermost(graph: GraphView, names: Iterable[str]) -> list[str]:
    """Leave out what another one runs anyway: wrappers add themselves to the collection, too."""
    found = list(dict.fromkeys(name for name in names if name in graph.nodes))
    behind = {name: graph.ancestors([name]) for name in found}
    return [
        name
        for name in found
        if not any(other != name and name in behind[other] for other in found)
    ]


def _ends(graph: GraphView) -> list[str]:
    """Return what nothing depends on and runs the most updates by gradients."""
    dependents: dict[str, list[str]] = {}
    for name, node in graph.nodes.items():
        for text in node.input:
            dependents.setdefault(tensor_ref(text.removeprefix("^")).node, []).append(name)
    flows = {name: [taker for taker, _ in graph.consumers.get(name, ())] for name in graph.nodes}
    behind = _closure((name for name in graph.nodes if GRADIENTS.search(name)), flows)
    updates = {
        name
        for name in behind
        if UPDATES.match(graph.nodes[name].op) and not GRADIENTS.search(name)
    }
    run: dict[str, frozenset[str]] = {}
    for name in graph.nodes:
        is_end = name not in dependents and not _NO_STEPS.search(graph.nodes[name].op)
        covered = graph.ancestors([name]) & updates if is_end and updates else frozenset()
        if covered and not any(covered <= other for other in run.values()):
            run = {end: held for end, held in run.items() if not held < covered}
            run[name] = covered
    return list(run)


def _closure(names: Iterable[str], takers: dict[str, list[str]]) -> set[str]:
    pending, seen = list(names), set[str]()
    while pending:
        name = pending.pop()
        if name not in seen:
            seen.add(name)
            pending += takers.get(name, [])
    return seen


def trained_parts(graph: GraphView, meta: Any) -> tuple[frozenset[str], ...]:
    """Return the variables that each of several optimizers trains.

    Parameters
    ----------
    graph, meta
        The graph, and the ``MetaGraphDef`` around it.

    Returns
    -------
    A set for each optimizer; one that runs another one first has that one's left out.
    """
    collected = [name for name in members(meta, COLLECTION) if name in graph.nodes]
    held = {_trained(graph, name) for name in collected or _ends(graph)}
    parts = (part.difference(*(other for other in held if other < part)) for part in held if part)
    return tuple(sorted((part for part in parts if part), key=sorted))


def _trained(graph: GraphView, step: str) -> frozenset[str]:
    return frozenset(
        ref.node
        for name in graph.ancestors([step])
        if _APPLIES.match(graph.nodes[name].op) and not GRADIENTS.search(name)
        for ref in graph.inputs(name)[:1]
        if graph.nodes[ref.node].op in VARIABLES
    )


def updated(graph: GraphView, names: Iterable[str]) -> bool:
    """Tell whether running some nodes changes a variable."""
    return any(UPDATES.match(graph.nodes[name].op) for name in names)


def minimized(graph: GraphView, path: Collection[str]) -> tuple[TensorRef, ...]:
    """Return the tensors that gradients were taken of: no gradient flows on behind them.

    Parameters
    ----------
    graph
        The whole graph.
    path
        Nodes that run for a step; all, for every step of the graph.

    Notes
    -----
    ``tf.gradients`` builds the gradient of the operation ``a/b`` in a scope ``gradients/a/b_grad``,
    which may lie in scopes of its own, ``gradients`` among them.
    """
    differentiated = {owner for name in path if (owner := _differentiated(graph, name))}
    return tuple(
        TensorRef(name)
        for name in graph.nodes
        if name in differentiated
        and not any(taker in differentiated for taker, _ in graph.consumers.get(name, ()))
        and graph.shape(TensorRef(name)) in (None, ())
    )


def _differentiated(graph: GraphView, name: str) -> str:
    for scope in reversed(list(_SCOPE.finditer(name))):
        pieces = name[scope.end() + 1 :].split("/")
        for place, piece in enumerate(pieces):
            owner = "/".join([*pieces[:place], piece.removesuffix("_grad")])
            if piece.endswith("_grad") and owner in graph.nodes:
                return owner
    return ""
