"""Fills the optimizer of an architecture from the optimizer of a source, as a whole or not at all.

A slot goes to the weight whose source it belonged to, under the same family. Slots, and the step
count where the update depends on it, are one unit: if part of it is missing or damaged, nothing of
it is used, because a mixture does far more damage than a fresh start. Comes after the weights are
matched. Pure.

Source: measured, ``docs/optimizer-state.md``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from tfrepair.core.architecture import GRAPH_1, Architecture, Variable, VariablePath
from tfrepair.core.findings import Finding
from tfrepair.core.plan import Match, Plan
from tfrepair.core.tensor import Purpose, SourceName, TensorStore
from tfrepair.planning.dialects.optimizers import Family
from tfrepair.planning.lists import StatisticsOf
from tfrepair.planning.optimizer_findings import left_out, lost, unused_slots
from tfrepair.planning.optimizer_scalars import Carried, carried_scalars, saver_rate
from tfrepair.planning.optimizer_values import SlotRule, is_zero, slot_match
from tfrepair.planning.stored_optimizers import StoredOptimizer, stored_optimizers
from tfrepair.planning.wanted_optimizer import Wanted, wanted_optimizer


def with_optimizer_state(
    plan: Plan, store: TensorStore, architecture: Architecture, statistics: StatisticsOf
) -> Plan:
    """Add matches for the optimizer's variables, or findings that say what is lost.

    Parameters
    ----------
    plan
        With the matches of the weights.
    store, architecture
        The two sides.
    statistics
        Called for slots and scalars that are to be used.

    Returns
    -------
    The plan; a TensorFlow 1 graph keeps the one it has, see
    :mod:`tfrepair.planning.equal_names`. Without an optimizer in the source nothing changes.
    """
    if architecture.framework == GRAPH_1:
        return plan
    wanted = wanted_optimizer(architecture)
    weights = {source for match in plan.matches for source in match.sources}
    stored = [found for found in stored_optimizers(store) if _concerns(found, weights, wanted)]
    if not stored:
        return plan
    if wanted is None:
        return _found(plan, left_out(stored, weights))
    chosen = _choice(stored, wanted)
    if isinstance(chosen, str):
        return _found(plan, lost(stored, weights, wanted.title, chosen))
    optimizer, family = chosen
    carried = _carry(optimizer, wanted, family, plan, statistics)
    if carried.problems:
        reason = _summary(carried.problems, wanted)
        return _found(plan, lost(stored, weights, wanted.title, reason))
    used = {source for match in carried.matches for source in match.sources}
    unused = _unused(stored, optimizer, weights | {""}, used, statistics)
    plan = _found(plan, (*carried.findings, *unused_slots(unused, wanted.title)))
    places = {variable.path: place for place, variable in enumerate(architecture)}
    in_order = sorted(carried.matches, key=lambda match: places[match.target])
    return replace(
        plan,
        matches=(*plan.matches, *in_order),
        leftover=tuple(left for left in plan.leftover if left.source not in used),
    )


def _found(plan: Plan, findings: Iterable[Finding]) -> Plan:
    return replace(plan, findings=(*plan.findings, *findings))


def _concerns(
    stored: StoredOptimizer, weights: Iterable[SourceName], wanted: Wanted | None
) -> bool:
    """Return whether an optimizer trained one of the weights, as far as the source says."""
    if not stored.tensors:
        return wanted is not None and not wanted.slots and stored.family is not None
    return bool(stored.owners & set(weights)) or any(not t.slot_of for t in stored.unread)


def _choice(
    stored: Sequence[StoredOptimizer], wanted: Wanted
) -> tuple[StoredOptimizer, Family] | str:
    """Return the one optimizer of the source that is the architecture's, or why there is none."""
    family = wanted.family
    if family is None or any(not kind for _, kind in wanted.slots):
        return f"how {wanted.title} keeps its state is not among what tfrepair carries over"
    exact = [found for found in stored if found.family is family]
    like = [s for s in stored if s.family is not None and s.family.name in family.same_slots]
    fitting = exact or like
    titles = ", ".join(found.title for found in stored)
    if not fitting:
        return f"the source was trained with {titles}, whose slots mean something else"
    if len(fitting) > 1:
        return f"the source has several that fit ({titles}), and nothing decides between them"
    return fitting[0], family


def _summary(problems: Sequence[str], wanted: Wanted) -> str:
    count = len(wanted.slots) + len(wanted.scalars)
    more = f" (the first of {len(problems)} problems with {count} variables)"
    return problems[0] + (more if len(problems) > 1 else "")


def _carry(
    chosen: StoredOptimizer, wanted: Wanted, family: Family, plan: Plan, statistics: StatisticsOf
) -> Carried:
    """Match every variable; problems are what the unit cannot do without."""
    parts = (
        *carried_scalars(chosen, wanted, family, statistics),
        _slots(chosen, wanted, family, plan, statistics),
    )
    return Carried(
        matches=tuple(match for part in parts for match in part.matches),
        problems=tuple(problem for part in parts for problem in part.problems),
        findings=tuple(finding for part in parts for finding in part.findings),
    )


def _slots(
    chosen: StoredOptimizer, wanted: Wanted, family: Family, plan: Plan, statistics: StatisticsOf
) -> Carried:
    of_weight: dict[VariablePath, Match] = {match.target: match for match in plan.matches}
    rules = {kind: _rule(kind, chosen, family, statistics) for kind in sorted(wanted.kinds)}
    matches: list[Match] = []
    problems = [rule for rule in rules.values() if isinstance(rule, str)]
    for variable, kind in wanted.slots:
        rule, weight = rules[kind], of_weight.get(VariablePath(variable.of))
        if isinstance(rule, str):
            continue
        found = _slot(variable, rule, weight, chosen, statistics)
        if isinstance(found, str):
            problems.append(found)
        else:
            matches.append(found)
    return Carried(matches=tuple(matches), problems=tuple(problems))


def _slot(
    variable: Variable,
    rule: SlotRule,
    weight: Match | None,
    chosen: StoredOptimizer,
    statistics: StatisticsOf,
) -> Match | str:
    if weight is None:
        return f"{variable.of} has no source, and so has its {variable.slot}"
    tensors = []
    for source in weight.sources:
        tensor = chosen.slots.get((source, rule.kind))
        if tensor is None:
            return f"no {variable.slot} of {source} is in the source"
        tensors.append(tensor)
    return slot_match(variable, weight, tensors, rule, statistics)


def _rule(
    kind: str, chosen: StoredOptimizer, family: Family, statistics: StatisticsOf
) -> SlotRule | str:
    """Return how slots of a kind are carried, or why they cannot be."""
    if not (family.folds_rate and chosen.is_saver):
        same = chosen.family is family
        evidence = () if same else (f"{chosen.title} and {family.title} keep it alike",)
        return SlotRule(kind=kind, family=family, evidence=evidence)
    rate = saver_rate(chosen, statistics)
    if rate is None:
        return (
            "TensorFlow 1 keeps momentum without the learning rate, and no scalar of the source "
            'is the one learning rate (in a plan, transform = "scale:-RATE" puts it in)'
        )
    tensor, value = rate
    return SlotRule(
        kind=kind,
        family=family,
        factor=-value,
        evidence=(f"TensorFlow 1 keeps m, Keras -learning_rate * m; {tensor.name} is {value:g}",),
    )


def _unused(
    stored: Iterable[StoredOptimizer],
    chosen: StoredOptimizer,
    weights: Iterable[str],
    used: Iterable[SourceName],
    statistics: StatisticsOf,
) -> list[tuple[StoredOptimizer, int]]:
    """Count the slots of matched weights that fill nothing, by optimizer; zeros hold nothing."""
    owners, taken = set(weights), set(used)
    counts = []
    for optimizer in stored:
        rest = [
            tensor
            for tensor in optimizer.tensors
            if tensor.purpose is Purpose.SLOT
            and tensor.slot_of in owners
            and tensor.name not in taken
            and not (optimizer is chosen and tensor.is_whole and is_zero(tensor, statistics))
        ]
        if rest:
            counts.append((optimizer, len(rest)))
    return counts
