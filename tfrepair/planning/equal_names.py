"""A checkpoint and its own graph call everything by the same names.

A graph of TensorFlow 1 names its weights, slots, counters and averages as its checkpoints do: what
agrees in name, shape and type is the same variable, however little a name such as ``Variable_1``
says. Architectures of other frameworks have names of their own. Pure.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from tfrepair.core.architecture import GRAPH_1, Architecture, Variable, VariableKind, VariablePath
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.plan import Confidence, Leftover, Match, Plan
from tfrepair.core.tensor import SourceName, Tensor, TensorStore
from tfrepair.planning.lists import Outcome

_SHOWN = 5


def plan_equal_names(store: TensorStore, architecture: Architecture) -> Outcome | None:
    """Assign tensors to the weights of the graph that they were saved from.

    Parameters
    ----------
    store
        Its names decide, not what it says that a tensor is for.
    architecture
        Any architecture.

    Returns
    -------
    ``None`` unless the architecture is a TensorFlow 1 graph each of whose weights has a tensor of
    equal name, shape and type.
    """
    if architecture.framework != GRAPH_1:
        return None
    matches = tuple(_matches(store, architecture.weights))
    if len(matches) != len(architecture.weights):
        return None
    used = {match.source for match in matches}
    leftover = tuple(
        Leftover(source=tensor.name, reason="no variable of the graph has its name")
        for tensor in store
        if tensor.may_be_weight and tensor.name not in used
    )
    return Outcome(matches=matches, leftover=leftover)


def with_training_state(plan: Plan, store: TensorStore, architecture: Architecture) -> Plan:
    """Let a checkpoint fill the optimizer's variables of its own graph, too.

    Returns
    -------
    The plan with a match for each such variable, and a finding that names those without one;
    the same plan for an architecture that is no graph.
    """
    if architecture.framework != GRAPH_1:
        return plan
    taken = {match.source for match in plan.matches}
    state = (v for v in architecture if v.kind is not VariableKind.WEIGHT)
    matches = tuple(_matches((t for t in store if t.name not in taken), state))
    used = {match.source for match in (*plan.matches, *matches)}
    filled = {match.target for match in (*plan.matches, *matches)}
    return replace(
        plan,
        matches=(*plan.matches, *matches),
        leftover=tuple(left for left in plan.leftover if left.source not in used),
        findings=(*plan.findings, *_without_source(architecture, filled)),
    )


def fillable(architecture: Architecture) -> tuple[Variable, ...]:
    """Return the variables that a plan may name: weights and the optimizer's; all of a graph."""
    if architecture.framework == GRAPH_1:
        return architecture.variables
    named = (VariableKind.WEIGHT, VariableKind.OPTIMIZER)
    return tuple(variable for variable in architecture if variable.kind in named)


def _matches(tensors: Iterable[Tensor], variables: Iterable[Variable]) -> Iterator[Match]:
    by_name: dict[str, Tensor] = {tensor.name: tensor for tensor in tensors}
    for variable in variables:
        tensor = by_name.get(variable.path)
        if tensor is None:
            continue
        if (tensor.shape, tensor.dtype) == (variable.shape, variable.dtype):
            yield Match(
                target=variable.path,
                sources=(SourceName(variable.path),),
                confidence=Confidence.CERTAIN,
                evidence=("equal name", "shape", "element type"),
            )


def _without_source(
    architecture: Architecture, filled: Collection[VariablePath]
) -> Iterator[Finding]:
    state = (v.path for v in architecture if v.kind is VariableKind.OPTIMIZER)
    left = [path for path in state if path not in filled]
    if left:
        yield Finding(
            code="fresh-training-state",
            severity=Severity.WARNING,
            where=", ".join(left[:_SHOWN]) + (", ..." if len(left) > _SHOWN else ""),
            message=f"the source holds no value of {len(left)} variables of the optimizer; they "
            "start afresh",
        )
