"""Lost first moments from the weights of another save, where that save has no slots to give.

Comes between planning and calibration: over a few updates a move says more about the last gradients
than other data do.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from tfrepair.api.donors import Donor, open_donors, step_of
from tfrepair.api.options import Options
from tfrepair.api.report import Report
from tfrepair.core.architecture import Variable, VariablePath
from tfrepair.core.assembly import value_of
from tfrepair.core.dtypes import numpy_dtype
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.moves import FARTHEST, AdamNumbers, first_moment_of_move, momentum_of_move
from tfrepair.core.optimizer_plan import OptimizerPlan
from tfrepair.core.plan import Match
from tfrepair.core.state import Provenance, ProvenanceKind, State, StateEntry
from tfrepair.core.tensor import Array, TensorStore
from tfrepair.planning.optimizer_findings import PARTLY
from tfrepair.planning.step_counts import OPTIMIZER
from tfrepair.planning.wanted_optimizer import Wanted, wanted_optimizer

_ADAMS = ("adam", "adamw")
_DERIVED = "optimizer-derived"


@dataclass(frozen=True, slots=True)
class _Move:
    """A moment, computed when it is fetched."""

    weight: StateEntry
    match: Match
    donor: TensorStore
    distance: int
    dtype: str
    second: StateEntry | None = None
    numbers: AdamNumbers | None = None

    def __call__(self) -> Array:
        parts = [(how, self.donor[name].fetch) for name, how in self.match.edges]
        then = value_of(parts, self.weight.shape, self.weight.dtype)
        now = _value(self.weight)
        if self.numbers is None or self.second is None:
            found = momentum_of_move(now, then, self.distance)
        else:
            second = _value(self.second)
            found = first_moment_of_move(now, then, second, self.distance, self.numbers)
        return found.astype(numpy_dtype(self.dtype))


def _value(entry: StateEntry) -> Array:
    if entry.fetch is None:
        message = f"{entry.path} has no value of its own"
        raise ValueError(message)
    return entry.fetch()


def with_moves(report: Report, options: Options) -> Report:
    """Derive lost first moments from the weights of the nearest donor.

    Parameters
    ----------
    report
        Planned, with its state.
    options
        ``donors`` counts here.

    Returns
    -------
    The report; unchanged where no moment is lost, no donor is near enough, or the step, the
    learning rate or a second moment is not known.
    """
    optimizer, wanted = report.plan.optimizer, wanted_optimizer(report.architecture)
    if not options.donors or optimizer is None or wanted is None or wanted.family is None:
        return report
    found = _nearest(report.store, options)
    if found is None:
        return report
    donor, distance = found
    lost = {entry.target for entry in (*optimizer.fresh, *optimizer.estimated)}
    kind = "momentum" if wanted.family.name == "sgd" else "m"
    moves: dict[VariablePath, Callable[[], Array]] = {}
    for variable, of_kind in wanted.slots:
        if of_kind == kind and variable.path in lost:
            move = _move(variable, report, wanted, donor.store, distance)
            if move is not None:
                moves[variable.path] = move
    return _applied(report, optimizer, moves, donor.label, distance) if moves else report


def _nearest(store: TensorStore, options: Options) -> tuple[Donor, int] | None:
    """Return the donor that is the fewest updates older, and how many."""
    step = step_of(store)
    if step is None:
        return None
    near = []
    for donor in open_donors(store, options.donors):
        other = step_of(donor.store)
        if other is not None and 0 < step - other <= FARTHEST:
            near.append((donor, step - other))
    return min(near, key=lambda pair: pair[1], default=None)


def _move(
    variable: Variable, report: Report, wanted: Wanted, donor: TensorStore, distance: int
) -> _Move | None:
    entries = report.state.by_path
    matches = {match.target: match for match in report.plan.matches}
    match = matches.get(VariablePath(variable.of))
    if match is None or not _is_whole(match, report.store, donor):
        return None
    move = _Move(entries[match.target], match, donor, distance, variable.dtype)
    family = wanted.family.name if wanted.family is not None else ""
    if family == "sgd" and not wanted.config.get("nesterov"):
        return move
    siblings = {kind: v.path for v, kind in wanted.slots if v.of == variable.of}
    second, numbers = siblings.get("v"), _numbers(wanted, report.plan.optimizer)
    if family not in _ADAMS or second not in matches or numbers is None or "vhat" in siblings:
        return None
    return replace(move, second=entries[second], numbers=numbers)


def _is_whole(match: Match, store: TensorStore, donor: TensorStore) -> bool:
    """Tell whether both saves have the weight, the later one of its own."""
    mine, theirs = store.by_name, donor.by_name
    return all(
        not mine[name].donor and name in theirs and theirs[name].checked().is_whole
        for name in match.sources
    )


def _numbers(wanted: Wanted, optimizer: OptimizerPlan | None) -> AdamNumbers | None:
    if optimizer is None or not optimizer.steps:
        return None
    settings = {setting.name: setting.value for setting in optimizer.settings}
    rate = settings.get("learning_rate", wanted.config.get("learning_rate"))
    if not isinstance(rate, int | float) or rate <= 0:
        return None
    first, second = wanted.betas
    return AdamNumbers(
        rate=float(rate),
        beta_1=first,
        beta_2=second,
        epsilon=float(wanted.config.get("epsilon") or 0.0),
        decay=float(wanted.config.get("weight_decay") or 0.0),
        steps=optimizer.steps,
    )


def _applied(
    report: Report,
    optimizer: OptimizerPlan,
    moves: Mapping[VariablePath, Callable[[], Array]],
    label: str,
    distance: int,
) -> Report:
    detail = f"weight moves over {distance} updates, from {label}"
    provenance = Provenance(kind=ProvenanceKind.DERIVED, detail=detail)
    entries = tuple(
        replace(entry, provenance=provenance, fetch=moves[entry.path])
        if entry.path in moves
        else entry
        for entry in report.state.entries
    )
    left = tuple(entry for entry in optimizer.fresh if entry.target not in moves)
    estimated = tuple(entry for entry in optimizer.estimated if entry.target not in moves)
    exact = "which is exact" if distance == 1 else "nearly: over one update it would be exact"
    told = Finding(
        code=_DERIVED,
        severity=Severity.NOTE if distance == 1 else Severity.LOSS,
        where=OPTIMIZER,
        message=f"{len(moves)} first moments of {optimizer.name} are lost and follow from how far "
        f"the weights have moved since {label}, {exact}",
    )
    gone = (PARTLY, "optimizer-fresh") if not left and not estimated else ()
    findings = tuple(f for f in report.plan.findings if f.code not in gone)
    plan = replace(
        report.plan,
        optimizer=replace(optimizer, fresh=left, estimated=estimated),
        findings=(*findings, told),
    )
    return replace(report, plan=plan, state=State(entries=entries))
