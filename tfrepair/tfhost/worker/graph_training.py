"""How a graph of TensorFlow 1 trains: its train operation, the loss, and what a step is fed with.

The collection ``train_op`` says which operation it is; names do not (``train_op/update`` never
counts a step). The loss is found through the scopes that ``tf.gradients`` builds in.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tfrepair.core.findings import Finding, Severity
from tfrepair.tfhost.worker.graph_inputs import Feeds
from tfrepair.tfhost.worker.graph_outputs import GRADIENTS
from tfrepair.tfhost.worker.graph_view import GraphView, TensorRef, tensor_ref

COLLECTION = "train_op"


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """A training step.

    Attributes
    ----------
    operation
        Node to run; empty if there is none that can be run from a file.
    loss
        What it minimizes, or ``None``.
    fed
        Tensors and switches that the step depends on.
    findings
        Why there is no step, if there is none.
    """

    operation: str = ""
    loss: TensorRef | None = None
    fed: tuple[TensorRef, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def is_complete(self) -> bool:
        """True if a signature can be made of it."""
        return bool(self.operation) and self.loss is not None

    @property
    def roots(self) -> tuple[str, ...]:
        """Nodes that must be kept for it."""
        loss = () if self.loss is None else (self.loss.node,)
        return (self.operation, *loss) if self.operation else ()


def find_training(graph: GraphView, meta: Any, feeds: Feeds) -> Training:
    """Find the training step of a graph.

    Parameters
    ----------
    graph, meta
        The graph, and the ``MetaGraphDef`` around it.
    feeds
        What the graph is fed with.
    """
    operations = _outermost(graph, members(meta, COLLECTION))
    if not operations:
        return _none(graph, "the collection train_op is empty or not there", "")
    if len(operations) > 1:
        names = ", ".join(operations)
        return _none(graph, f"the collection train_op holds {len(operations)}: {names}", "")
    (operation,) = operations
    path = graph.ancestors([operation], stop=feeds.tensors)
    foreign = next(graph.refused(path), None)
    if foreign is not None:
        name, op = foreign
        return _none(graph, f"{operation} needs {name}, a {op}, which no file can hold", operation)
    candidates = _minimized(graph, path) or _only_loss(graph, meta)
    if len(candidates) != 1:
        found = ", ".join(str(ref) for ref in candidates) or "none"
        why = f"what {operation} minimizes is not clear (found: {found})"
        return Training(operation=operation, findings=_none(graph, why, operation).findings)
    (loss,) = candidates
    path |= graph.ancestors([loss.node], stop=feeds.tensors)
    switches = tuple(TensorRef(name) for name in feeds.resting if name in path)
    needed = tuple(ref for ref in feeds.tensors if graph.is_taken(ref, path))
    return Training(operation=operation, loss=loss, fed=(*needed, *switches))


def _outermost(graph: GraphView, names: Iterable[str]) -> list[str]:
    """Leave out what another one runs anyway: wrappers add themselves to the collection, too."""
    found = list(dict.fromkeys(name for name in names if name in graph.nodes))
    return [
        name
        for name in found
        if not any(other != name and name in graph.ancestors([other]) for other in found)
    ]


def members(meta: Any, collection: str) -> tuple[str, ...]:
    """Return the node names in a collection."""
    names = (
        meta.collection_def[collection].node_list.value if collection in meta.collection_def else ()
    )
    return tuple(tensor_ref(name).node for name in names)


def _none(graph: GraphView, why: str, where: str) -> Training:
    # A graph without gradients was never meant to train: nothing is lost then.
    trains = any(GRADIENTS.search(name) for name in graph.nodes)
    finding = Finding(
        code="no-train-step",
        severity=Severity.LOSS if trains else Severity.NOTE,
        where=where or "train_op",
        message=f"the SavedModel gets no train_step: {why}",
        remedy="give --arch model.py with a compiled model to get one" if trains else "",
    )
    return Training(findings=(finding,))


def _minimized(graph: GraphView, path: Iterable[str]) -> list[TensorRef]:
    """Return the tensors that gradients were taken of: no gradient flows on behind them.

    ``tf.gradients`` builds the gradient of the operation ``a/b`` in a scope ``gradients/a/b_grad``.
    """
    differentiated = set()
    for name in path:
        found = GRADIENTS.search(name)
        inner = name[found.end() :] if found else ""
        pieces = inner.split("/")
        for place, piece in enumerate(pieces):
            owner = "/".join([*pieces[:place], piece.removesuffix("_grad")])
            if piece.endswith("_grad") and owner in graph.nodes:
                differentiated.add(owner)
                break
    return [
        TensorRef(name)
        for name in graph.nodes
        if name in differentiated
        and not any(taker in differentiated for taker, _ in graph.consumers.get(name, ()))
        and graph.shape(TensorRef(name)) in (None, ())
    ]


def _only_loss(graph: GraphView, meta: Any) -> list[TensorRef]:
    return [TensorRef(name) for name in members(meta, "losses") if name in graph.nodes]
