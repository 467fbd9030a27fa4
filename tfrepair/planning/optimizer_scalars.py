"""The scalars of an optimizer: step count, learning rate, running products, loss scale.

Says how the step count goes on from what was decided about the slots. Comes after
:mod:`tfrepair.planning.consistency` and before :mod:`tfrepair.planning.optimizer`. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tfrepair.core.architecture import Variable, VariablePath
from tfrepair.core.beta_powers import correction_free
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.optimizer_plan import Fresh, Origin, Rebuilt, Setting
from tfrepair.core.optimizer_rules import rule
from tfrepair.core.plan import Confidence, Match
from tfrepair.core.state import ProvenanceKind
from tfrepair.core.tensor import Tensor
from tfrepair.core.transform import IDENTITY, Cast, Steps, Transform
from tfrepair.planning.consistency import Unit
from tfrepair.planning.dialects.optimizers import Family
from tfrepair.planning.dialects.relatives import EXPECTED
from tfrepair.planning.fit import cast_to
from tfrepair.planning.hyperparameters import RATE, saver_rate, scalar_value
from tfrepair.planning.lists import StatisticsOf
from tfrepair.planning.optimizer_findings import rate_finding
from tfrepair.planning.optimizer_values import scalar_match
from tfrepair.planning.step_counts import OPTIMIZER, StepCount
from tfrepair.planning.stored_optimizer import STEP_WORDS, StoredOptimizer
from tfrepair.planning.wanted_optimizer import Wanted

_ACCUMULATOR = "gradient_accumulator"
_NEW_PRODUCT = frozenset({"u_product", "variable"})
_OLD_RATE, _NEW_RATE = 0.004, 1.0
_FLOATS = frozenset({"float32", "float64"})
"""What the step is multiplied by in the exponent of Nadam's schedule, before and since 2.11."""
_LOSS_SCALE: tuple[frozenset[str], ...] = (
    frozenset({"dynamic_scale", "current_loss_scale"}),
    frozenset({"step_counter", "good_steps"}),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalars:
    """What becomes of the scalars.

    Attributes
    ----------
    matches, rebuilt, fresh
        Each scalar is in at most one; those in none keep what the architecture is compiled with.
    findings
        What should be known.
    counter
        What the step counter is set to, unless a tensor fills it.
    schedule_offset
        See :class:`~tfrepair.core.optimizer_plan.OptimizerPlan`.
    """

    matches: tuple[Match, ...] = ()
    rebuilt: tuple[Rebuilt, ...] = ()
    fresh: tuple[Fresh, ...] = ()
    findings: tuple[Finding, ...] = ()
    counter: int | None = None
    schedule_offset: int = 0


def counts_batches(chosen: StoredOptimizer, wanted: Wanted) -> bool:
    """Tell whether only the source counts batches whose gradients it accumulated."""
    return _ACCUMULATOR in chosen.kinds and _ACCUMULATOR not in wanted.kinds


def step_scalars(
    count: StepCount | str, wanted: Wanted, family: Family, unit: Unit, source: Family | None
) -> Scalars:
    """Decide on the step count.

    Parameters
    ----------
    count
        What the source says, or why it says nothing.
    wanted, family
        The architecture's optimizer.
    unit
        What was decided about its slots.
    source
        Family of the optimizer in the source.
    """
    variable = wanted.steps
    if variable is None:
        return Scalars()
    known = count.count if isinstance(count, StepCount) else 0
    if family.counts_steps and unit.is_reset:
        return _reset(variable, known, unit, wanted)
    if family.counts_steps and source is not None and source.never_corrects:
        least = correction_free(*wanted.betas)
        why = (
            f"the source has no bias correction, and from {least} updates on there is none here "
            f"either; the source counts {known}"
        )
        return _constant(variable, least, why, ProvenanceKind.CONVERTED, known - least)
    if isinstance(count, StepCount):
        return _counted(count, variable, known)
    return _uncounted(count, variable, wanted, family)


def _reset(variable: Variable, known: int, unit: Unit, wanted: Wanted) -> Scalars:
    """Start at 0; at 1 where averages of weights are kept, which Keras overwrites at step 0."""
    kept = {match.target for match in unit.matches}
    averages = any(kind == "average" and v.path in kept for v, kind in wanted.slots)
    if averages:
        why = "moving averages of weights are kept, and Keras starts them anew at step 0"
        return _constant(variable, 1, why, ProvenanceKind.INITIALISED, known - 1)
    fresh = Fresh(target=variable.path, why="it starts afresh with its slots")
    return Scalars(fresh=(fresh,), counter=0, schedule_offset=known)


def _constant(
    variable: Variable, value: int, why: str, kind: ProvenanceKind, offset: int
) -> Scalars:
    entry = Rebuilt(target=variable.path, rule=rule("constant", value=value), kind=kind, why=why)
    return Scalars(rebuilt=(entry,), counter=value, schedule_offset=offset)


def _counted(count: StepCount, variable: Variable, known: int) -> Scalars:
    if count.tensor is None:
        found = _constant(variable, known, count.evidence[0], ProvenanceKind.DERIVED, 0)
        return Scalars(rebuilt=found.rebuilt, counter=known, findings=count.findings)
    sure = Confidence.CERTAIN if not count.transform.operations else Confidence.STRONG
    match = _step_match(variable, count, count.tensor, sure)
    if isinstance(match, str):
        fresh = Fresh(target=variable.path, why=match)
        return Scalars(fresh=(fresh,), findings=count.findings)
    return Scalars(matches=(match,), findings=count.findings)


def _step_match(
    variable: Variable, count: StepCount, tensor: Tensor, sure: Confidence
) -> Match | str:
    if not any(isinstance(operation, Steps) for operation in count.transform.operations):
        if tensor.dtype in _FLOATS and tensor.shape == variable.shape:
            # Keras 1 counts in float32; that the value is whole was looked at.
            return Match(
                target=variable.path,
                sources=(tensor.name,),
                transform=Transform(operations=(Cast(dtype=variable.dtype),)),
                confidence=Confidence.STRONG,
                evidence=(*count.evidence, f"a whole number, kept as {tensor.dtype}"),
            )
        return scalar_match(variable, tensor, sure, count.evidence)
    return Match(
        target=variable.path,
        sources=(tensor.name,),
        transform=cast_to(count.transform, count.transform.dtype(tensor.dtype), variable),
        confidence=sure,
        evidence=count.evidence,
    )


def _uncounted(why: str, variable: Variable, wanted: Wanted, family: Family) -> Scalars:
    if not family.counts_steps:
        effect = "the learning rate of its schedule" if wanted.has_schedule else "no update"
        severity = Severity.LOSS if wanted.has_schedule else Severity.NOTE
        message = f"{why}: {wanted.title} counts from 0, which changes {effect}"
        fresh = Fresh(target=variable.path, why=why)
        return Scalars(fresh=(fresh,), findings=(_unknown(message, severity),), counter=0)
    least = correction_free(*wanted.betas)
    message = (
        f"{why}: {least} is taken, from which on no bias correction changes an update; "
        + EXPECTED["steps"]
    )
    found = _constant(variable, least, why, ProvenanceKind.INITIALISED, -least)
    return Scalars(
        rebuilt=found.rebuilt,
        counter=least,
        schedule_offset=-least,
        findings=(_unknown(message, Severity.LOSS),),
    )


def _unknown(message: str, severity: Severity) -> Finding:
    return Finding(
        code="step-count-unknown",
        severity=severity,
        where=OPTIMIZER,
        message=message,
        remedy=""
        if severity is Severity.NOTE
        else "give it with steps = N in [optimizer] of a plan",
    )


def other_scalars(
    chosen: StoredOptimizer | None,
    wanted: Wanted,
    unit: Unit,
    settings: Mapping[str, Setting],
    statistics: StatisticsOf,
) -> Scalars:
    """Decide on products, learning rate, loss scale and hyperparameters that are variables.

    Parameters
    ----------
    chosen
        The optimizer of the source; ``None`` if nothing of it is used.
    wanted, unit
        The architecture's, and what was decided about its slots.
    settings
        Hyperparameters of the source; those that a person gave have that origin.
    statistics
        Called for scalars only.
    """
    matches: list[Match] = []
    rebuilt: list[Rebuilt] = []
    findings: list[Finding] = []
    for word, variable in wanted.scalars.items():
        if word in STEP_WORDS:
            continue
        found = _product(word, variable, chosen, wanted, unit)
        if found is None and chosen is not None:
            found = _hyperparameter(word, variable, chosen, settings, statistics)
        if isinstance(found, Match):
            matches.append(found)
        elif found is not None:
            rebuilt.append(found)
        if word == RATE and found is not None and settings.get(RATE) is not None:
            rate = settings[RATE]
            where = found.source if isinstance(found, Match) else rate.origin.value
            findings += rate_finding(where, rate.value, wanted.config.get(RATE))
    return Scalars(matches=tuple(matches), rebuilt=tuple(rebuilt), findings=tuple(findings))


def _product(
    word: str, variable: Variable, chosen: StoredOptimizer | None, wanted: Wanted, unit: Unit
) -> Match | Rebuilt | None:
    """Fill Nadam's running product, which goes with its step count."""
    family = wanted.family
    names = next((p for p in family.products if word in p), None) if family else None
    if names is None or unit.is_reset or wanted.steps is None:
        return None
    held = chosen.scalars if chosen is not None else {}
    tensor = next((t for stored, t in held.items() if stored in names), None)
    if tensor is not None:
        match = scalar_match(variable, tensor, Confidence.CERTAIN, ("the same running product",))
        if isinstance(match, Match):
            return match
    speed = _NEW_RATE if word in _NEW_PRODUCT else _OLD_RATE
    return Rebuilt(
        target=variable.path,
        rule=rule("nadam_product", beta=wanted.betas[0], rate=speed),
        inputs=(VariablePath(wanted.steps.path),),
        kind=ProvenanceKind.DERIVED,
        why="the source has none that follows the same schedule",
    )


def _hyperparameter(
    word: str,
    variable: Variable,
    chosen: StoredOptimizer,
    settings: Mapping[str, Setting],
    statistics: StatisticsOf,
) -> Match | Rebuilt | None:
    """Fill a learning rate or another hyperparameter that is a variable."""
    setting = settings.get(word)
    if setting is not None and setting.origin in (Origin.OPTION, Origin.PLAN):
        return None  # what a person asks for is compiled in
    alike = next((names for names in _LOSS_SCALE if word in names), frozenset({word}))
    tensor = next((t for stored, t in chosen.scalars.items() if stored in alike), None)
    confidence = Confidence.CERTAIN
    if tensor is None and word == RATE:
        rate = saver_rate(chosen, statistics)
        tensor, confidence = (rate[0] if rate else None), Confidence.STRONG
    if tensor is not None and scalar_value(tensor, statistics) is not None:
        match = scalar_match(variable, tensor, confidence, (f"{word} of the training",))
        return match if isinstance(match, Match) else None
    if setting is None or isinstance(setting.value, bool | str | dict) or setting.value is None:
        return None
    if setting.origin not in (Origin.CONFIG, Origin.GRAPH, Origin.CONVERTED):
        return None
    return Rebuilt(
        target=variable.path,
        rule=rule("constant", value=float(setting.value)),
        kind=ProvenanceKind.CONVERTED,
        why=f"{word} as the {setting.origin.value} of the source states it",
    )


def scalar_findings(chosen: StoredOptimizer, statistics: StatisticsOf) -> tuple[Finding, ...]:
    """Say so if the learning rate went down by itself, and no longer does."""
    tensor = chosen.scalars.get("decay")
    value = None if tensor is None else statistics(tensor.name, IDENTITY).mean
    if tensor is None or not value:
        return ()
    finding = Finding(
        code="learning-rate-decay",
        severity=Severity.WARNING,
        where=OPTIMIZER,
        message=f"{tensor.name} is {value:g}: the learning rate went down by 1 / (1 + {value:g} * "
        "step), and the architecture's does not",
        remedy=f"compile with InverseTimeDecay(learning_rate, decay_steps=1, decay_rate={value:g})",
    )
    return (finding,)
