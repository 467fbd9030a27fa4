"""The planning stage's one public function: from a store and an architecture to a plan.

Decides which kind of planning a source asks for (a list, several lists, names), then looks at the
values of what was matched. Nothing is read here but metadata and, through the caller's
``statistics``, numbers about values. Pure. Comes before rebuild.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from tfrepair.core.architecture import Architecture, Variable
from tfrepair.core.errors import UsageError
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.plan import Gap, Leftover, Match, Plan, Reference
from tfrepair.core.statistics import Statistics
from tfrepair.core.tensor import SourceName, Tensor, TensorStore
from tfrepair.core.transform import Cast, Transform
from tfrepair.planning.averages import stand_ins, with_true_names
from tfrepair.planning.equal_names import plan_equal_names, with_training_state
from tfrepair.planning.era_findings import with_era_findings
from tfrepair.planning.eras import in_todays_terms, with_stored_names
from tfrepair.planning.kernels import settled
from tfrepair.planning.lists import Outcome, StatisticsOf, items_of, plan_list
from tfrepair.planning.mapped import plan_mapped, plan_mapped_list, reconciled
from tfrepair.planning.names import plan_names
from tfrepair.planning.naming import enumeration, read_name
from tfrepair.planning.optimizer import COMPILED, Origins, with_optimizer_state
from tfrepair.planning.orders import (
    CONVENTION_NAMES,
    Convention,
    conventions,
    named_convention,
    trainable_only,
)
from tfrepair.planning.values import contradiction, overflow

_UNSTATED = Reference(path="", digest="")


def build_plan(
    store: TensorStore,
    architecture: Architecture,
    statistics: StatisticsOf,
    *,
    order: str = "",
    use_averages: bool = False,
    optimizer: Origins = COMPILED,
) -> Plan:
    """Assign a source's tensors to an architecture's weights.

    Parameters
    ----------
    store, architecture
        The two sides.
    statistics
        Statistics of a tensor under a transform; called for matched tensors only.
    order
        Name of a list order that the user vouches for; empty to find out.
    use_averages
        Take moving averages in place of the weights that they belong to.
    optimizer
        Where the architecture's optimizer comes from.

    Returns
    -------
    A plan in which every weight is in a match, a gap or a tie; the optimizer's variables are
    matched, or a finding says why they start afresh. The caller fills in the references.

    Raises
    ------
    UsageError
        For an order that does not exist.
    Incomplete
        If averages are asked for and there are none.
    """
    if use_averages:
        ins = stand_ins(store)

        def truly(name: SourceName, transform: Transform) -> Statistics:
            return statistics(ins.true_name(name), transform)

        inner = build_plan(ins.store, architecture, truly, order=order, optimizer=optimizer)
        return with_true_names(inner, ins)
    terms = in_todays_terms(store, architecture)
    outcome = _outcome(terms.store, architecture, terms.statistics(statistics), order)
    outcome = settled(with_stored_names(outcome, terms), store, architecture)
    outcome = with_era_findings(outcome, store, architecture)
    leftover = (*outcome.leftover, *_no_weights(store))
    outcome = replace(outcome, leftover=leftover)
    plan = _checked(_plan(outcome), tuple(store), architecture, statistics)
    plan = with_training_state(plan, store, architecture)
    return with_optimizer_state(plan, store, architecture, statistics, optimizer)


def _outcome(
    store: TensorStore, architecture: Architecture, statistics: StatisticsOf, order: str
) -> Outcome:
    tensors = tuple(tensor for tensor in store if tensor.may_be_weight)
    by_equal_name = plan_equal_names(store, architecture)
    if order:
        return _forced(_in_order(tensors), architecture, statistics, order)
    if by_equal_name is not None:
        return by_equal_name
    if not store.names_are_meaningful or _enumerated(tensors):
        listed = _as_list(_in_order(tensors), architecture, statistics)
        if listed.matches or listed.ties:
            return listed
        return plan_mapped_list(_in_order(tensors), architecture, statistics, listed)
    outcome = _named(tensors, architecture, statistics)
    if outcome.fits or outcome.convention:
        return outcome
    mapped = plan_mapped(tensors, architecture, in_order=store.order_is_meaningful)
    return reconciled(outcome, mapped)


def _no_weights(store: TensorStore) -> tuple[Leftover, ...]:
    """Return what the source itself says is no weight: such tensors never compete as weights."""
    return tuple(
        Leftover(
            source=tensor.name,
            reason=f"{tensor.purpose}: {tensor.slot} of {tensor.slot_of}"
            if tensor.slot_of
            else str(tensor.purpose),
        )
        for tensor in store
        if not tensor.may_be_weight
    )


def _plan(outcome: Outcome) -> Plan:
    return Plan(
        source=_UNSTATED,
        arch=_UNSTATED,
        convention=outcome.convention,
        matches=outcome.matches,
        missing=outcome.missing,
        leftover=outcome.leftover,
        ties=outcome.ties,
        findings=outcome.findings,
    )


def _enumerated(tensors: Sequence[Tensor]) -> bool:
    return len(tensors) > 1 and enumeration(tensor.name for tensor in tensors) is not None


def _in_order(tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Return enumerated tensors by number (``arr_2`` before ``arr_10``), others as stored."""
    numbers = enumeration(tensor.name for tensor in tensors)
    if numbers is None:
        return tuple(tensors)
    ranked = sorted(range(len(tensors)), key=lambda place: numbers[place])
    return tuple(tensors[place] for place in ranked)


def _forced(
    tensors: Sequence[Tensor], architecture: Architecture, statistics: StatisticsOf, order: str
) -> Outcome:
    convention = _convention(architecture, order)
    return plan_list(items_of(tensors, convention.order), architecture, (convention,), statistics)


def _convention(architecture: Architecture, order: str) -> Convention:
    if order == "trainable-only":
        return trainable_only(architecture)
    convention = named_convention(architecture, order)
    if convention is None:
        message = f"no list order is called {order!r} for this architecture"
        raise UsageError(message, remedy="one of: " + ", ".join(CONVENTION_NAMES))
    return convention


def _as_list(
    tensors: Sequence[Tensor], architecture: Architecture, statistics: StatisticsOf
) -> Outcome:
    items = items_of(tensors, architecture.weights)
    return plan_list(items, architecture, conventions(architecture), statistics)


def _named(
    tensors: Sequence[Tensor], architecture: Architecture, statistics: StatisticsOf
) -> Outcome:
    by_name = plan_names(tensors, architecture)
    if by_name.matches or by_name.ties:
        return by_name
    lists = _lists_within(tensors)
    fitting = []
    for name, members in lists.items():
        outcome = _as_list(members, architecture, statistics)
        if outcome.matches:
            fitting.append((name, outcome))
    if not fitting:
        return by_name
    if len(fitting) > 1:
        return _several_lists([name for name, _ in fitting], by_name)
    ((name, outcome),) = fitting
    rest = tuple(
        Leftover(source=tensor.name, reason=f"not in the list {name!r}, which fits as a whole")
        for tensor in tensors
        if tensor not in lists[name]
    )
    return replace(outcome, leftover=(*outcome.leftover, *rest))


def _lists_within(tensors: Sequence[Tensor]) -> dict[str, list[Tensor]]:
    """Return the lists of a container, by the name that they have in it."""
    lists: dict[str, list[Tensor]] = {}
    for tensor in tensors:
        if read_name(tensor.name).index is not None:
            lists.setdefault(tensor.name.rpartition("/")[0], []).append(tensor)
    return lists


def _several_lists(names: Sequence[str], outcome: Outcome) -> Outcome:
    finding = Finding(
        code="several-lists-fit",
        severity=Severity.ERROR,
        where=", ".join(names),
        message=f"{len(names)} lists of the source fit the architecture as a whole, and nothing "
        "tells which holds the weights",
        remedy="write a plan with `tfrepair plan -o plan.toml` and name the list's tensors there",
    )
    return replace(outcome, findings=(*outcome.findings, finding))


def _checked(
    plan: Plan, tensors: Sequence[Tensor], architecture: Architecture, statistics: StatisticsOf
) -> Plan:
    """Look at the values of what was matched."""
    by_name = {tensor.name: tensor for tensor in tensors}
    kept: list[Match] = []
    gaps: list[Gap] = []
    findings: list[Finding] = []
    for match in plan.matches:
        variable = architecture.by_path[match.target]
        gap = _unusable(match, variable, by_name, statistics)
        if gap is not None:
            gaps.append(gap)
            continue
        kept.append(match)
        for source, transform in match.edges:
            read = partial(statistics, source, _before_casts(transform))
            findings += _not_finite(source, read, match.target)
            problem = contradiction(variable, read)
            if problem:
                findings.append(
                    Finding(
                        code="unlikely-value",
                        severity=Severity.WARNING,
                        where=match.target,
                        message=f"filled from {source}, but {problem}",
                        remedy="check the names of the source, or edit the plan",
                    )
                )
    return replace(
        plan,
        matches=tuple(kept),
        missing=(*plan.missing, *gaps),
        findings=(*plan.findings, *findings),
    )


def _unusable(
    match: Match,
    variable: Variable,
    by_name: Mapping[SourceName, Tensor],
    statistics: StatisticsOf,
) -> Gap | None:
    """Return what is wrong with the tensors of a match, if anything is."""
    for source, transform in match.edges:
        tensor = by_name[source]
        if not tensor.is_whole:
            reason = f"{tensor.name} has its name or place, but is {tensor.health}"
            note = f": {tensor.health_note}" if tensor.health_note else ""
            return Gap(target=match.target, reason=reason + note)
        read = partial(statistics, source, _before_casts(transform))
        broken = overflow(tensor.dtype, variable.dtype, read)
        if broken:
            reason = f"{source}: {broken}"
            return Gap(target=match.target, reason=reason, candidates=match.sources)
    return None


def _before_casts(transform: Transform) -> Transform:
    """Return the transform without its casts: what is judged are the stored values."""
    kept = (operation for operation in transform.operations if not isinstance(operation, Cast))
    return Transform(operations=tuple(kept))


def _not_finite(
    source: SourceName, read: Callable[[], Statistics], target: str
) -> tuple[Finding, ...]:
    found = read()
    if not found.nan and not found.inf:
        return ()
    return (
        Finding(
            code="not-finite",
            severity=Severity.WARNING,
            where=source,
            message=f"{found.nan} NaN and {found.inf} infinite values go to {target} as they are",
            remedy="look for an earlier save: a model does not compute with these",
        ),
    )
