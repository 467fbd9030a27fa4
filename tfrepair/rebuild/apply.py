"""From a plan to the state: a lazy value and a provenance for every variable of the output.

Nothing is read here: values are closures over the source's ``fetch``. Knows nothing of files or
of TensorFlow. Comes after planning and before the writers. Pure.
"""

from dataclasses import dataclass

from tfrepair.core.architecture import Architecture, Variable, VariableKind
from tfrepair.core.assembly import value_of
from tfrepair.core.plan import Match, Plan
from tfrepair.core.state import Provenance, ProvenanceKind, State, StateEntry
from tfrepair.core.tensor import Array, Shape, Tensor, TensorStore
from tfrepair.core.transform import Transform
from tfrepair.rebuild.optimizer import with_rebuilt


@dataclass(frozen=True, slots=True)
class _Value:
    """Source tensors under their transforms, as the variable's dtype."""

    edges: tuple[tuple[Tensor, Transform], ...]
    shape: Shape
    dtype: str

    def __call__(self) -> Array:
        parts = [(transform, tensor.fetch) for tensor, transform in self.edges]
        return value_of(parts, self.shape, self.dtype)


def apply(
    plan: Plan, store: TensorStore, architecture: Architecture, *, keeps_live_state: bool = False
) -> State:
    """Give every variable of the architecture a value or its initial one.

    Parameters
    ----------
    plan
        What fills what.
    store, architecture
        The two sides of the plan.
    keeps_live_state
        True for a live model whose weights are the source's: its optimizer, seeds and metrics
        belong to these weights and are kept.
    """
    matches = {match.target: match for match in plan.matches}
    state = State(
        entries=tuple(
            _filled(variable, matches[variable.path], store)
            if variable.path in matches
            else _own(variable, keeps_live_state)
            for variable in architecture
        )
    )
    return state if keeps_live_state else with_rebuilt(state, plan.optimizer)


def _filled(variable: Variable, match: Match, store: TensorStore) -> StateEntry:
    edges = tuple((store[name], transform) for name, transform in match.edges)
    rule = " + ".join(_rule(tensor, transform, variable) for tensor, transform in edges)
    donors = tuple(dict.fromkeys(tensor.donor for tensor, _ in edges if tensor.donor))
    if donors:
        detail = "; ".join((*donors, *([rule] if rule.strip("+ ") else [])))
        provenance = Provenance(kind=ProvenanceKind.DONOR, detail=detail)
    elif rule or len(edges) > 1:
        provenance = Provenance(kind=ProvenanceKind.CONVERTED, detail=rule or "sum")
    else:
        provenance = Provenance(kind=ProvenanceKind.READ)
    return StateEntry(
        path=variable.path,
        shape=variable.shape,
        dtype=variable.dtype,
        provenance=provenance,
        fetch=_Value(edges, variable.shape, variable.dtype),
    )


def _rule(tensor: Tensor, transform: Transform, variable: Variable) -> str:
    operations = [str(transform)] if transform.operations else []
    if transform.dtype(tensor.dtype) != variable.dtype:
        operations.append(f"cast:{variable.dtype}")
    return "|".join(operations)


def _own(variable: Variable, keeps_live_state: bool) -> StateEntry:
    kept = keeps_live_state and variable.kind is not VariableKind.WEIGHT
    provenance = (
        Provenance(kind=ProvenanceKind.READ, detail="live model")
        if kept
        else Provenance(kind=ProvenanceKind.INITIALISED)
    )
    return StateEntry(
        path=variable.path, shape=variable.shape, dtype=variable.dtype, provenance=provenance
    )
