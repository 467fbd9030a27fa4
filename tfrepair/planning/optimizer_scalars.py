"""The scalars of an optimizer: step count, learning rate, running products.

Says what the unit of slots and step count cannot do without, and where update rules go on
differently from the same state. Comes before :mod:`tfrepair.planning.optimizer`. Pure.
"""

from dataclasses import dataclass

from tfrepair.core.architecture import Variable
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.plan import Confidence, Match
from tfrepair.core.tensor import Tensor
from tfrepair.core.transform import IDENTITY, Steps
from tfrepair.planning.dialects.optimizers import Family
from tfrepair.planning.fit import cast_to
from tfrepair.planning.lists import StatisticsOf
from tfrepair.planning.optimizer_findings import epsilon_findings, rate_finding, rate_left
from tfrepair.planning.optimizer_values import scalar_match
from tfrepair.planning.step_counts import OPTIMIZER, StepCount, count_steps
from tfrepair.planning.stored_optimizers import STEP_WORDS, StoredOptimizer
from tfrepair.planning.wanted_optimizer import Wanted

_RATE = "learning_rate"
_ACCUMULATOR = "gradient_accumulator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What can be carried over, and why something cannot."""

    matches: tuple[Match, ...] = ()
    problems: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


def carried_scalars(
    chosen: StoredOptimizer, wanted: Wanted, family: Family, statistics: StatisticsOf
) -> tuple[Carried, ...]:
    """Match the scalars of an optimizer.

    Parameters
    ----------
    chosen, wanted
        The two sides.
    family
        Of the wanted optimizer.
    statistics
        Called for scalars only.
    """
    return (
        _steps(chosen, wanted, family, statistics),
        _products(chosen, wanted, family),
        _others(chosen, wanted, family, statistics),
        Carried(findings=_update_rules(chosen, wanted, family)),
        Carried(findings=_decay(chosen, wanted, statistics)),
    )


def saver_rate(chosen: StoredOptimizer, statistics: StatisticsOf) -> tuple[Tensor, float] | None:
    """Return the learning rate of a TensorFlow 1 file, if it has exactly one that is positive."""
    found = [
        (tensor, value)
        for tensor in chosen.rates
        if tensor.is_whole and (value := statistics(tensor.name, IDENTITY).mean) is not None
    ]
    values = {value for _, value in found}
    return found[0] if len(values) == 1 and values.pop() > 0 else None


def _steps(
    chosen: StoredOptimizer, wanted: Wanted, family: Family, statistics: StatisticsOf
) -> Carried:
    variable = next((v for word, v in wanted.scalars.items() if word in STEP_WORDS), None)
    if variable is None:
        return Carried()
    if _ACCUMULATOR in {kind for _, kind in chosen.slots} and _ACCUMULATOR not in wanted.kinds:
        problem = "the source counts accumulated batches, the architecture does not"
        return Carried(problems=(problem,))
    count = count_steps(chosen, wanted.betas, statistics)
    if isinstance(count, str):
        return _without_steps(count, wanted, family)
    sure = Confidence.STRONG if chosen.is_saver else Confidence.CERTAIN
    found = _step_match(variable, count, sure)
    if isinstance(found, str):
        return _without_steps(found, wanted, family)
    return Carried(matches=(found,), findings=count.findings)


def _without_steps(problem: str, wanted: Wanted, family: Family) -> Carried:
    if family.counts_steps:
        return Carried(problems=(problem,))
    has_schedule = isinstance(wanted.config.get(_RATE), dict)
    effect = "the learning rate of its schedule" if has_schedule else "none of its updates"
    finding = Finding(
        code="step-count-unknown",
        severity=Severity.LOSS if has_schedule else Severity.NOTE,
        where=OPTIMIZER,
        message=f"{problem}: {wanted.title} counts from 0, which changes {effect}",
    )
    return Carried(findings=(finding,))


def _step_match(variable: Variable, count: StepCount, sure: Confidence) -> Match | str:
    if not any(isinstance(operation, Steps) for operation in count.transform.operations):
        return scalar_match(variable, count.tensor, sure, count.evidence)
    return Match(
        target=variable.path,
        sources=(count.tensor.name,),
        transform=cast_to(count.transform, count.transform.dtype(count.tensor.dtype), variable),
        confidence=sure,
        evidence=count.evidence,
    )


def _products(chosen: StoredOptimizer, wanted: Wanted, family: Family) -> Carried:
    """Match the running products of Nadam, without which its slots mean nothing."""
    matches: list[Match] = []
    problems: list[str] = []
    for names in family.products:
        variable = next((v for word, v in wanted.scalars.items() if word in names), None)
        if variable is None:
            continue
        tensor = next((t for word, t in chosen.scalars.items() if word in names), None)
        if tensor is None:
            text = " or ".join(sorted(names))
            problems.append(f"the source has no {text}, the product that its updates go by")
            continue
        found = scalar_match(variable, tensor, Confidence.CERTAIN, ("the same running product",))
        if isinstance(found, str):
            problems.append(found)
        else:
            matches.append(found)
    return Carried(matches=tuple(matches), problems=tuple(problems))


def _others(
    chosen: StoredOptimizer, wanted: Wanted, family: Family, statistics: StatisticsOf
) -> Carried:
    """Match the learning rate and other hyperparameters that are variables on both sides."""
    known = {*STEP_WORDS, *(name for names in family.products for name in names)}
    matches: list[Match] = []
    findings: list[Finding] = []
    for word, variable in wanted.scalars.items():
        if word in known:
            continue
        found = _hyperparameter(word, variable, chosen, statistics)
        if found is None:
            if word == _RATE:
                findings += rate_left(chosen.configured_rate, wanted.config.get(_RATE))
            continue
        matches.append(found)
        if word == _RATE:
            value = statistics(found.source, IDENTITY).mean
            findings += rate_finding(found.source, value, wanted.config.get(_RATE))
    return Carried(matches=tuple(matches), findings=tuple(findings))


def _hyperparameter(
    word: str, variable: Variable, chosen: StoredOptimizer, statistics: StatisticsOf
) -> Match | None:
    tensor, confidence = chosen.scalars.get(word), Confidence.CERTAIN
    if tensor is None and word == _RATE:
        rate = saver_rate(chosen, statistics)
        tensor, confidence = (rate[0] if rate else None), Confidence.STRONG
    if tensor is None or statistics(tensor.name, IDENTITY).mean is None:
        return None
    found = scalar_match(variable, tensor, confidence, (f"{word} of the training",))
    return None if isinstance(found, str) else found


def _update_rules(chosen: StoredOptimizer, wanted: Wanted, family: Family) -> tuple[Finding, ...]:
    """Say where the two sides go on differently from the same state."""
    names = {variable.slot for variable, _ in wanted.slots}
    moves = (
        family.moves_epsilon
        and "momentum" not in wanted.kinds
        and ("rms" in chosen.names) != ("rms" in names)
    )
    saver_epsilon = family.saver_epsilon if chosen.is_saver else None
    epsilon = wanted.config.get("epsilon")
    return epsilon_findings(wanted.title, epsilon, saver_epsilon, moves=moves)


def _decay(
    chosen: StoredOptimizer, wanted: Wanted, statistics: StatisticsOf
) -> tuple[Finding, ...]:
    """Say so if the learning rate went down by itself, and no longer does."""
    tensor = chosen.scalars.get("decay")
    value = None if tensor is None else statistics(tensor.name, IDENTITY).mean
    if tensor is None or not value or "decay" in wanted.scalars:
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
