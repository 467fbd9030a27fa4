"""Values of an optimizer that follow from other values of the output, by the plan's rules.

Fills the entries that :class:`~tfrepair.core.optimizer_plan.OptimizerPlan` names as rebuilt; what
else fills an optimizer (donors, data) comes as entries of the state before, and takes part as
input. Lazy: an input is fetched when the value is. Comes after :mod:`tfrepair.rebuild.apply`. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tfrepair.core.architecture import VariablePath
from tfrepair.core.errors import PlanError
from tfrepair.core.optimizer_plan import OptimizerPlan, Rebuilt
from tfrepair.core.optimizer_rules import RuleError
from tfrepair.core.state import Provenance, State, StateEntry
from tfrepair.core.tensor import Array


@dataclass(frozen=True, slots=True)
class _Value:
    """A rule over other entries of the state."""

    rebuilt: Rebuilt
    entry: StateEntry
    inputs: tuple[StateEntry, ...]

    def __call__(self) -> Array:
        values = [_fetched(entry, self.rebuilt) for entry in self.inputs]
        try:
            return self.rebuilt.rule.run(values, self.entry.shape, self.entry.dtype)
        except (RuleError, ValueError) as error:
            message = f"{self.entry.path}: {error}"
            raise PlanError(message, remedy="mend it in [optimizer.values] of the plan") from error


def with_rebuilt(state: State, optimizer: OptimizerPlan | None) -> State:
    """Give the variables that a plan's rules name their values.

    Parameters
    ----------
    state
        With what comes from sources.
    optimizer
        The plan's; ``None`` changes nothing.

    Returns
    -------
    The state; a rebuilt value is never labeled as read.

    Raises
    ------
    PlanError
        If a rule takes a variable that is not there, or, when fetched, has no value.
    """
    if optimizer is None or not optimizer.rebuilt:
        return state
    entries: dict[VariablePath, StateEntry] = {entry.path: entry for entry in state.entries}
    for rebuilt in optimizer.rebuilt:
        entries[rebuilt.target] = _entry(rebuilt, entries)
    return State(entries=tuple(entries[entry.path] for entry in state.entries))


def _entry(rebuilt: Rebuilt, entries: Mapping[VariablePath, StateEntry]) -> StateEntry:
    unknown = [path for path in (rebuilt.target, *rebuilt.inputs) if path not in entries]
    if unknown:
        message = f"{rebuilt.target} by {rebuilt.rule}: no variable is called {unknown[0]}"
        raise PlanError(message, remedy="mend it in [optimizer.values] of the plan")
    entry = entries[rebuilt.target]
    inputs = tuple(entries[path] for path in rebuilt.inputs)
    return StateEntry(
        path=entry.path,
        shape=entry.shape,
        dtype=entry.dtype,
        provenance=Provenance(kind=rebuilt.kind, detail=_detail(rebuilt)),
        fetch=_Value(rebuilt, entry, inputs),
    )


def _detail(rebuilt: Rebuilt) -> str:
    of = ",".join(rebuilt.inputs)
    return f"{rebuilt.rule}" + (f" of {of}" if of else "")


def _fetched(entry: StateEntry, rebuilt: Rebuilt) -> Array:
    if entry.fetch is None:
        message = f"{rebuilt.target} by {rebuilt.rule}: {entry.path} has no value of its own"
        raise PlanError(message, remedy="give it one in [map] or [optimizer.values] of the plan")
    return entry.fetch()
