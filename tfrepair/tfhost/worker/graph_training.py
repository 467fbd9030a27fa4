"""How a graph of TensorFlow 1 trains: its train operation, the loss, and what a step is fed with.

The collection ``train_op`` says which operation it is; names do not (``train_op/update`` never
counts a step). The loss is found through the scopes that ``tf.gradients`` builds in.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tfrepair.core.findings import Finding, Severity
from tfrepair.tfhost.worker.graph_inputs import Feeds
from tfrepair.tfhost.worker.graph_outputs import GRADIENTS, UPDATES, VARIABLES
from tfrepair.tfhost.worker.graph_view import GraphView, TensorRef, tensor_ref

COLLECTION = "train_op"
_SHOWN = 5


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


def left_behind(
    graph: GraphView, training: Training, path: Collection[str], initializers: Collection[str]
) -> Iterator[Finding]:
    """Name the variables that other operations of a graph update, but its training step does not.

    Parameters
    ----------
    graph, training
        The graph, and its step.
    path
        Nodes that run for the step.
    initializers
        Operations that give variables their first values.
    """
    updated: set[str] = set()
    others: set[str] = set()
    for name, node in graph.nodes.items():
        if not UPDATES.match(node.op) or name in initializers:
            continue
        held = [r.node for r in graph.inputs(name) if graph.nodes[r.node].op in VARIABLES]
        if name in path:
            updated |= set(held)
        else:
            # An optimizer takes its slots beside the variable that comes first.
            others |= set(held[:1])
    restored = {
        name
        for name in others
        if all(_is_restored(graph, taker) for taker in _updates_of(graph, name, initializers))
    }
    left = sorted(others - updated - restored) if training.is_complete else []
    if left:
        shown = ", ".join(left[:_SHOWN]) + (", ..." if len(left) > _SHOWN else "")
        yield Finding(
            code="not-trained-along",
            severity=Severity.WARNING,
            where=shown,
            message=f"train_step leaves {len(left)} variables as they are that the graph updates "
            "by operations of their own (moving averages, statistics)",
            remedy="restore the SavedModel's variables into the original graph to train them",
        )


def _updates_of(graph: GraphView, name: str, initializers: Collection[str]) -> Iterator[str]:
    for taker, _ in graph.consumers.get(name, ()):
        if UPDATES.match(graph.nodes[taker].op) and taker not in initializers:
            yield taker


def _is_restored(graph: GraphView, update: str) -> bool:
    """Tell whether an assignment belongs to a saver."""
    return any(graph.nodes[name].op.startswith("Restore") for name in graph.ancestors([update]))
