"""Fills the optimizer of an architecture from the optimizer of a source, group by group.

A slot goes to the weight whose source it belonged to, under the same family or one that keeps the
same. What is missing, damaged or contradicts the rest is decided on as a whole: a mixture does far
more damage than a fresh start. Comes after the weights are matched; a rebuild from donors or data
takes up what is left in :class:`~tfrepair.core.optimizer_plan.OptimizerPlan.fresh`. Pure.

Source: measured, ``docs/optimizer-state.md``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tfrepair.core.architecture import GRAPH_1, Architecture, VariablePath
from tfrepair.core.findings import Finding
from tfrepair.core.optimizer_plan import Fresh, OptimizerPlan, Origin, Setting
from tfrepair.core.plan import Match, Plan
from tfrepair.core.tensor import Purpose, SourceName, TensorStore
from tfrepair.planning.consistency import Unit, decide
from tfrepair.planning.dialects.optimizers import SHARED_SETTINGS, Family
from tfrepair.planning.dialects.relatives import RELATIVES
from tfrepair.planning.dialects.slot_meanings import MEANINGS
from tfrepair.planning.hyperparameters import RATE, stored_settings
from tfrepair.planning.lists import StatisticsOf
from tfrepair.planning.optimizer_findings import (
    class_assumed,
    derived,
    left_out,
    lost,
    other_family,
    partly_lost,
    unused_slots,
)
from tfrepair.planning.optimizer_guards import guarded
from tfrepair.planning.optimizer_scalars import (
    Scalars,
    counts_batches,
    other_scalars,
    step_scalars,
)
from tfrepair.planning.optimizer_slots import Sides, slot_candidates
from tfrepair.planning.optimizer_values import is_zero
from tfrepair.planning.step_counts import StepCount, count_steps, known_steps
from tfrepair.planning.stored_optimizer import StoredOptimizer
from tfrepair.planning.stored_optimizers import assumed, stored_optimizers
from tfrepair.planning.update_rules import rule_findings
from tfrepair.planning.wanted_optimizer import Wanted, wanted_optimizer


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """Where the optimizer of an architecture comes from.

    Attributes
    ----------
    name
        Origin of its class.
    settings
        Hyperparameters that the model of the architecture was not compiled with: what a person
        asked for, or what the source states.
    calibrates
        True if data will give values to what is lost.
    """

    name: Origin = Origin.ARCHITECTURE
    settings: Mapping[str, Setting] = field(default_factory=dict)
    calibrates: bool = False

    def estimable(self, wanted: Wanted) -> frozenset[str]:
        """Return the kinds of slots that data will give a value."""
        family = wanted.family
        if not self.calibrates or family is None:
            return frozenset()
        return frozenset(MEANINGS.get(family.name, ()))


COMPILED = Origins()
"""The architecture's own optimizer, as it is compiled."""


def with_optimizer_state(
    plan: Plan,
    store: TensorStore,
    architecture: Architecture,
    statistics: StatisticsOf,
    origins: Origins = COMPILED,
) -> Plan:
    """Add matches for the optimizer's variables, and what is to be known about the others.

    Parameters
    ----------
    plan
        With the matches of the weights.
    store, architecture
        The two sides.
    statistics
        Called for slots and scalars that are to be used.
    origins
        Where the architecture's optimizer comes from.

    Returns
    -------
    The plan with its ``optimizer``; a TensorFlow 1 graph keeps the one it has, see
    :mod:`tfrepair.planning.equal_names`.
    """
    if architecture.framework == GRAPH_1:
        return plan
    wanted = wanted_optimizer(architecture)
    weights = {source for match in plan.matches for source in match.sources}
    stored = [found for found in stored_optimizers(store) if _concerns(found, weights, wanted)]
    if wanted is None:
        return _found(plan, left_out(stored, weights)) if stored else plan
    chosen = _choice(stored, wanted)
    if isinstance(chosen, str):
        gone = lost(stored, weights, wanted.title, chosen)
        steps = known_steps(store, statistics)
        return _without(plan, wanted, chosen, origins, gone, steps)
    optimizer, family = chosen
    settings = {**stored_settings(optimizer, optimizer.family or family, statistics)}
    settings |= _asked(origins)
    sides = Sides(
        chosen=optimizer,
        source=optimizer.family or family,
        wanted=wanted,
        family=family,
        settings=settings,
        count=count_steps(optimizer, wanted.betas, statistics),
    )
    return _carried(plan, sides, stored, store, architecture, statistics, origins)


def _asked(origins: Origins) -> dict[str, Setting]:
    person = (Origin.OPTION, Origin.PLAN)
    return {name: s for name, s in origins.settings.items() if s.origin in person}


def _found(plan: Plan, findings: Iterable[Finding]) -> Plan:
    return replace(plan, findings=(*plan.findings, *findings))


def _concerns(
    stored: StoredOptimizer, weights: Iterable[SourceName], wanted: Wanted | None
) -> bool:
    """Return whether an optimizer trained one of the weights, as far as the source says."""
    if not stored.tensors:
        # Without slots there are still a step count and a learning rate.
        return wanted is not None and stored.family in (wanted.family, None)
    return bool(stored.owners & set(weights)) or any(not t.slot_of for t in stored.unread)


def _choice(
    stored: Sequence[StoredOptimizer], wanted: Wanted
) -> tuple[StoredOptimizer, Family] | str:
    """Return the one optimizer of the source that is the architecture's, or why there is none."""
    family = wanted.family
    if family is None or any(not kind for _, kind in wanted.slots):
        return f"how {wanted.title} keeps its state is not among what tfrepair carries over"
    if not stored:
        return "the source holds no optimizer"
    exact = [found for found in stored if found.family is family]
    like = [s for s in stored if s.family is not None and (s.family.name, family.name) in RELATIVES]
    titles = ", ".join(found.title for found in stored)
    bare = [s for s in stored if s.family is None and not s.tensors]
    unnamed = [found for s in stored if (found := assumed(s, family, wanted.kinds)) is not None]
    fitting = exact or like or unnamed or bare
    if not fitting:
        return f"the source was trained with {titles}, whose slots mean something else"
    if len(fitting) > 1:
        return f"the source has several that fit ({titles}), and nothing decides between them"
    return fitting[0], family


def _without(
    plan: Plan,
    wanted: Wanted,
    why: str,
    origins: Origins,
    findings: Iterable[Finding],
    steps: int | None,
) -> Plan:
    """Start the optimizer afresh, but for slots that follow from the weights."""
    weights: dict[VariablePath, Match] = {match.target: match for match in plan.matches}
    rate = wanted.config.get(RATE)
    unit = decide(
        wanted,
        {variable.path: why for variable, _ in wanted.slots},
        weights,
        float(rate) if isinstance(rate, int | float) else None,
        origins.estimable(wanted),
    )
    told = () if not unit.rebuilt else derived(unit.rebuilt, wanted.title)
    fresh = () if wanted.steps is None else (Fresh(target=wanted.steps.path, why=why),)
    scalars = Scalars(fresh=fresh, counter=0, schedule_offset=steps or 0)
    optimizer = _optimizer(wanted, origins, unit, scalars, {}, steps)
    return replace(plan, optimizer=optimizer, findings=(*plan.findings, *findings, *told))


def _carried(
    plan: Plan,
    sides: Sides,
    stored: Sequence[StoredOptimizer],
    store: TensorStore,
    architecture: Architecture,
    statistics: StatisticsOf,
    origins: Origins,
) -> Plan:
    wanted, family, chosen = sides.wanted, sides.family, sides.chosen
    weights: dict[VariablePath, Match] = {match.target: match for match in plan.matches}
    if counts_batches(chosen, wanted):
        why = "the source counts accumulated batches, the architecture does not"
        gone = lost(stored, _sources(plan), wanted.title, why)
        return _without(plan, wanted, why, origins, gone, None)
    candidates = slot_candidates(sides, plan, statistics)
    candidates = dict(guarded(candidates, wanted, sides.source, sides.betas, store))
    rate = sides.rate or _rate(wanted)
    unit = decide(wanted, candidates, weights, rate, origins.estimable(wanted))
    steps = step_scalars(sides.count, wanted, family, unit, sides.source)
    used_from = None if unit.is_reset and wanted.slots else chosen
    others = other_scalars(used_from or chosen, wanted, unit, sides.settings, statistics)
    scalars = _joined(steps, others)
    matches = (*unit.matches, *scalars.matches)
    used = {source for match in matches for source in match.sources}
    wished = {kind for kind in wanted.kinds if sides.source is sides.family}
    wished |= set(sides.relation.kinds.values()) if sides.relation is not None else set()
    told = {tensor.name for (_, kind), tensor in chosen.slots.items() if kind in wished}
    others_stored = [one for one in stored if one.tensors != chosen.tensors]
    unused = _unused(
        [chosen, *others_stored], chosen, _sources(plan) | {""}, used | told, statistics
    )
    was_named = any(one is chosen or one == chosen for one in stored)
    findings = (
        *(() if was_named else (class_assumed(chosen),)),
        *_lost_findings(unit, sides, stored, plan),
        *scalars.findings,
        *rule_findings(sides),
        *(() if unit.is_reset else unused_slots(unused, wanted.title)),
    )
    places = {variable.path: place for place, variable in enumerate(architecture)}
    in_order = sorted(matches, key=lambda match: places[match.target])
    known = sides.count.count if isinstance(sides.count, StepCount) else None
    return replace(
        plan,
        matches=(*plan.matches, *in_order),
        leftover=tuple(left for left in plan.leftover if left.source not in used),
        optimizer=_optimizer(wanted, origins, unit, scalars, sides.settings, known),
        findings=(*plan.findings, *findings),
    )


def _sources(plan: Plan) -> set[str]:
    return {str(source) for match in plan.matches for source in match.sources}


def _rate(wanted: Wanted) -> float | None:
    rate = wanted.config.get(RATE)
    return float(rate) if isinstance(rate, int | float) else None


def _joined(*parts: Scalars) -> Scalars:
    first, *_ = parts
    return Scalars(
        matches=tuple(match for part in parts for match in part.matches),
        rebuilt=tuple(entry for part in parts for entry in part.rebuilt),
        fresh=tuple(entry for part in parts for entry in part.fresh),
        findings=tuple(finding for part in parts for finding in part.findings),
        counter=first.counter,
        schedule_offset=first.schedule_offset,
    )


def _lost_findings(
    unit: Unit, sides: Sides, stored: Sequence[StoredOptimizer], plan: Plan
) -> Iterable[Finding]:
    """Say what is lost of the slots, what follows from others, and what another class means."""
    wanted = sides.wanted
    if unit.is_reset:
        problems = list(dict.fromkeys(entry.why for entry in unit.fresh))
        count = len(wanted.slots) + len(wanted.scalars)
        more = f" (the first of {len(problems)} problems with {count} variables)"
        reason = (problems or ["nothing of it is there"])[0]
        return lost(
            stored, _sources(plan), wanted.title, reason + (more if len(problems) > 1 else "")
        )
    kinds = {variable.path: kind for variable, kind in wanted.slots}
    fresh = [(entry, kinds[entry.target]) for entry in unit.fresh]
    relation = sides.relation if sides.source is not sides.family else None
    return (
        *([] if relation is None else [other_family(sides.chosen.title, wanted.title, relation)]),
        *(partly_lost(fresh, len(wanted.slots), wanted.title) if sides.chosen.tensors else ()),
        *derived(unit.rebuilt, wanted.title),
    )


def _optimizer(
    wanted: Wanted,
    origins: Origins,
    unit: Unit,
    scalars: Scalars,
    settings: Mapping[str, Setting],
    steps: int | None,
) -> OptimizerPlan:
    return OptimizerPlan(
        name=wanted.title,
        origin=origins.name,
        settings=tuple(_settings(wanted, origins, scalars, settings)),
        steps=steps,
        counter=scalars.counter,
        schedule_offset=scalars.schedule_offset if wanted.has_schedule else 0,
        rebuilt=(*unit.rebuilt, *scalars.rebuilt),
        fresh=(*unit.fresh, *scalars.fresh),
    )


def _settings(
    wanted: Wanted, origins: Origins, scalars: Scalars, stored: Mapping[str, Setting]
) -> Iterable[Setting]:
    """Yield the hyperparameters of the output, those that come from the source by their value."""
    own = wanted.family.settings if wanted.family is not None else tuple(wanted.config)
    filled = {match.target for match in scalars.matches}
    filled |= {entry.target for entry in scalars.rebuilt}
    for name in (*own, *SHARED_SETTINGS):
        if name not in wanted.config or (name in SHARED_SETTINGS and not wanted.config[name]):
            continue
        variable = wanted.scalars.get(name)
        is_filled = variable is not None and variable.path in filled
        if is_filled and name in stored:
            yield stored[name]
        elif name in origins.settings:
            yield replace(origins.settings[name], value=wanted.config[name])
        else:
            compiled = origins.name is Origin.ARCHITECTURE
            origin = Origin.ARCHITECTURE if compiled else Origin.DEFAULT
            yield Setting(name=name, value=wanted.config[name], origin=origin)


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
