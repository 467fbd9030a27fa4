"""How a graph of TensorFlow 1 trains: its train operation, its losses, what a step is fed with.

Chooses among the candidates of :mod:`tfrepair.tfhost.worker.graph_steps`; names never decide
(``train_op/update`` never counts a step). Between equals the user chooses.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from tfrepair.core.errors import ArchitectureError
from tfrepair.core.findings import Finding, Severity
from tfrepair.tfhost.worker.graph_inputs import Feeds, existing
from tfrepair.tfhost.worker.graph_outputs import GRADIENTS, UPDATES, VARIABLES
from tfrepair.tfhost.worker.graph_steps import members, minimized, steps, updated
from tfrepair.tfhost.worker.graph_view import GraphView, TensorRef

_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """A training step.

    Attributes
    ----------
    operation
        Node to run; empty if there is none that can be run from a file.
    losses
        What it minimizes; several if it runs several optimizers.
    fed
        Tensors and switches that the step depends on.
    findings
        Why there is no step, if there is none.
    """

    operation: str = ""
    losses: tuple[TensorRef, ...] = ()
    fed: tuple[TensorRef, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def is_complete(self) -> bool:
        """True if a signature can be made of it."""
        return bool(self.operation) and bool(self.losses)

    @property
    def roots(self) -> tuple[str, ...]:
        """Nodes that must be kept for it."""
        losses = (loss.node for loss in self.losses)
        return (self.operation, *losses) if self.operation else ()


def find_training(graph: GraphView, meta: Any, feeds: Feeds, asked: str = "") -> Training:
    """Find the training step of a graph.

    Parameters
    ----------
    graph, meta
        The graph, and the ``MetaGraphDef`` around it.
    feeds
        What the graph is fed with.
    asked
        The operation, if the user has named it.

    Raises
    ------
    ArchitectureError
        If the user has named one that the graph does not have, that trains nothing, or that no
        file can hold.
    """
    found = steps(graph, meta)
    if asked:
        found = (_named(graph, asked, found),)
    if not found:
        why = "the collection train_op is empty or not there, and no variable changes by gradients"
        return _none(graph, why, "")
    if len(found) > 1:
        return _several(graph, found, feeds)
    (operation,) = found
    path = graph.ancestors([operation], stop=feeds.tensors)
    foreign = next(graph.refused(path), None)
    if foreign is not None:
        name, op = foreign
        why = f"{operation} needs {name}, a {op}, which no file can hold"
        if asked:
            message = f"--train-op {asked}: {why}"
            raise ArchitectureError(message)
        return _none(graph, why, operation)
    losses = minimized(graph, path) or _only_loss(graph, meta)
    if not losses:
        return _none(graph, f"what {operation} minimizes is not clear (found: none)", operation)
    path |= graph.ancestors([loss.node for loss in losses], stop=feeds.tensors)
    switches = tuple(TensorRef(name) for name in feeds.resting if name in path)
    needed = tuple(ref for ref in feeds.tensors if graph.is_taken(ref, path))
    return Training(operation=operation, losses=losses, fed=(*needed, *switches))


def _named(graph: GraphView, asked: str, found: tuple[str, ...]) -> str:
    name = existing(graph, asked, "--train-op").node
    if not updated(graph, graph.ancestors([name])):
        message = f"--train-op {asked}: running it changes no variable"
        remedy = f"these do: {', '.join(found)}" if found else ""
        raise ArchitectureError(message, remedy=remedy)
    return name


def _several(graph: GraphView, found: tuple[str, ...], feeds: Feeds) -> Training:
    """Name the candidates: a GAN trains its parts against each other, and none is the step."""

    def described(name: str) -> str:
        losses = minimized(graph, graph.ancestors([name], stop=feeds.tensors))
        of = " and ".join(str(loss) for loss in losses)
        return f"{name} (minimizes {of})" if of else name

    shown = ", ".join(described(name) for name in found[: 2 * _SHOWN])
    if len(found) > 2 * _SHOWN:
        shown += f" and {len(found) - 2 * _SHOWN} more"
    why = f"the graph has {len(found)} training steps, none of which runs the others: {shown}"
    choices = " or ".join(f"--train-op {name}" for name in found[:_SHOWN])
    return _none(graph, why, ", ".join(found[:_SHOWN]), f"choose one: {choices}")


def _none(graph: GraphView, why: str, where: str, remedy: str = "") -> Training:
    # A graph without gradients was never meant to train: nothing is lost then.
    trains = any(GRADIENTS.search(name) for name in graph.nodes)
    finding = Finding(
        code="no-train-step",
        severity=Severity.LOSS if trains else Severity.NOTE,
        where=where or "train_op",
        message=f"the SavedModel gets no train_step: {why}",
        remedy=(
            remedy
            or "name the operation: --train-op, or give --arch model.py with a compiled model"
        )
        if trains
        else "",
    )
    return Training(findings=(finding,))


def _only_loss(graph: GraphView, meta: Any) -> tuple[TensorRef, ...]:
    found = tuple(TensorRef(name) for name in members(meta, "losses") if name in graph.nodes)
    return found if len(found) == 1 else ()


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
            "by operations of their own (another training step, moving averages, statistics)",
            remedy="restore the SavedModel's variables into the original graph to train them",
        )


def _updates_of(graph: GraphView, name: str, initializers: Collection[str]) -> Iterator[str]:
    for taker, _ in graph.consumers.get(name, ()):
        if UPDATES.match(graph.nodes[taker].op) and taker not in initializers:
            yield taker


def _is_restored(graph: GraphView, update: str) -> bool:
    """Tell whether an assignment belongs to a saver."""
    return any(graph.nodes[name].op.startswith("Restore") for name in graph.ancestors([update]))
