"""Values that data gave to slots of an optimizer, put into the state. Pure.

Comes after :mod:`tfrepair.rebuild.apply`; what follows from the new values by a rule follows anew.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from tfrepair.core.architecture import VariablePath
from tfrepair.core.optimizer_plan import OptimizerPlan
from tfrepair.core.state import Provenance, ProvenanceKind, State, StateEntry
from tfrepair.core.tensor import Array
from tfrepair.rebuild.optimizer import with_rebuilt

Values = Mapping[VariablePath, Callable[[], Array]]


def with_estimated(
    state: State, optimizer: OptimizerPlan, values: Values, detail: str, scaled: str = ""
) -> State:
    """Give estimated slots their values, or only the label that they will have.

    Parameters
    ----------
    state
        With what comes from sources.
    optimizer
        The plan's, which names what is estimated.
    values
        Of the estimated slots, and of known ones that go with a new step count; empty if nothing
        has been estimated yet.
    detail
        What they rest on, such as ``data: 64 batches``.
    scaled
        What was done to the known ones.
    """
    estimated = {entry.target for entry in optimizer.estimated}

    def entry_of(entry: StateEntry) -> StateEntry:
        if entry.path in estimated:
            label = Provenance(kind=ProvenanceKind.ESTIMATED, detail=detail)
            return replace(entry, provenance=label, fetch=values.get(entry.path))
        if entry.path in values:
            label = Provenance(kind=ProvenanceKind.CONVERTED, detail=scaled)
            return replace(entry, provenance=label, fetch=values[entry.path])
        return entry

    found = State(entries=tuple(entry_of(entry) for entry in state.entries))
    return with_rebuilt(found, optimizer)
