"""How many updates an optimizer has made: from its counter, its beta powers, the global step.

TensorFlow 1's Adam stores no count, but powers of its betas, from which it follows exactly until
they are 0 in float32. Betas that the architecture does not have are looked for: two powers that
give one count fit one pair. Comes before :mod:`tfrepair.planning.optimizer`. Pure.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tfrepair.core.beta_powers import is_exact, steps_of, underflow
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Tensor
from tfrepair.core.transform import IDENTITY, Steps, Transform, then
from tfrepair.planning.dialects.optimizers import BETAS
from tfrepair.planning.lists import StatisticsOf
from tfrepair.planning.stored_optimizers import STEP_WORDS, StoredOptimizer

GLOBAL_STEP = "global_step"
OPTIMIZER = "optimizer"
"""How findings name the optimizer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCount:
    """Where a step count comes from.

    Attributes
    ----------
    tensor, transform
        Source, and how it becomes the count.
    count
        Its value.
    evidence
        As in a match.
    findings
        What should be known about it.
    """

    tensor: Tensor
    transform: Transform = IDENTITY
    count: int
    evidence: tuple[str, ...]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Powers:
    """Both beta powers of one optimizer, whole and with their values."""

    tensors: tuple[Tensor, Tensor]
    values: tuple[float, float]
    dtype: str


def count_steps(
    stored: StoredOptimizer, betas: tuple[float, float], statistics: StatisticsOf
) -> StepCount | str:
    """Find the step count of an optimizer.

    Parameters
    ----------
    stored
        The optimizer.
    betas
        Those of the architecture.
    statistics
        Called for scalars only.

    Returns
    -------
    The count, or why there is none.
    """
    own = [stored.scalars[word] for word in STEP_WORDS if word in stored.scalars]
    if not stored.is_saver:
        return _direct(own, statistics) or "the source has no count of its steps"
    if not stored.powers:
        return _direct(_global_steps(stored), statistics) or "the source has no global_step"
    return _of_powers(stored, betas, statistics)


def _direct(tensors: list[Tensor], statistics: StatisticsOf) -> StepCount | None:
    """Return the count that a counter states; ``None`` if there is none, or several differ."""
    found = [
        StepCount(tensor=tensor, count=value, evidence=("step count of the optimizer",))
        for tensor in tensors
        if (value := _integer(tensor, statistics)) is not None
    ]
    return found[0] if len({steps.count for steps in found}) == 1 else None


def _global_steps(stored: StoredOptimizer) -> list[Tensor]:
    """Return the counters of TensorFlow 1 that count updates: epochs and saves do not."""
    words = {tensor.name: tensor.name.rpartition("/")[2] for tensor in stored.counters}
    named = [tensor for tensor in stored.counters if words[tensor.name] == GLOBAL_STEP]
    return named or [tensor for tensor in stored.counters if words[tensor.name] in STEP_WORDS]


def _integer(tensor: Tensor, statistics: StatisticsOf) -> int | None:
    value = _scalar(tensor, statistics)
    return int(value) if value is not None and value >= 0 and value == int(value) else None


def _scalar(tensor: Tensor, statistics: StatisticsOf) -> float | None:
    if not tensor.is_whole or tensor.shape not in ((), (1,)):
        return None
    return statistics(tensor.name, IDENTITY).mean


def _of_powers(
    stored: StoredOptimizer, betas: tuple[float, float], statistics: StatisticsOf
) -> StepCount | str:
    step = _direct(_global_steps(stored), statistics)
    counts = []
    for first, second in stored.powers:
        powers = _whole(first, second, statistics)
        found = None if powers is None else _decoded(powers, betas, step)
        if found is None:
            where = " and ".join(tensor.name for tensor in (first, second) if tensor is not None)
            return f"no pair of betas gives one step count for {where}"
        counts.append(found)
    if len({steps.count for steps in counts}) > 1:
        several = ", ".join(f"{steps.tensor.name} ({steps.count})" for steps in counts)
        return f"the source has beta powers of several optimizers, at different steps: {several}"
    return _held_against(counts[0], step)


def _whole(first: Tensor | None, second: Tensor | None, statistics: StatisticsOf) -> _Powers | None:
    if first is None or second is None or first.dtype != second.dtype:
        return None
    values = _scalar(first, statistics), _scalar(second, statistics)
    if values[0] is None or values[1] is None or first.dtype not in ("float32", "float64"):
        return None
    return _Powers(tensors=(first, second), values=(values[0], values[1]), dtype=first.dtype)


def _decoded(
    powers: _Powers, betas: tuple[float, float], step: StepCount | None
) -> StepCount | None:
    """Return the count that both powers agree on, for the given betas or for the pair that fits."""
    if powers.values == (0.0, 0.0):
        return _bounded(powers, betas, step)
    own = _agreed(powers, betas)
    if own is not None:
        return own
    fitting = {pair: found for pair in _pairs() if (found := _agreed(powers, pair)) is not None}
    if len(fitting) != 1:
        return None
    ((pair, found),) = fitting.items()
    finding = Finding(
        code="betas-differ",
        severity=Severity.WARNING,
        where=OPTIMIZER,
        message=f"the source was trained with betas {pair[0]:g} and {pair[1]:g}, as its beta "
        f"powers show; the architecture has {betas[0]:g} and {betas[1]:g}",
        remedy="compile the architecture with the betas of the training",
    )
    return StepCount(
        tensor=found.tensor,
        transform=found.transform,
        count=found.count,
        evidence=found.evidence,
        findings=(finding,),
    )


def _pairs() -> Iterator[tuple[float, float]]:
    return ((first, second) for first in BETAS[0] for second in BETAS[1])


def _agreed(powers: _Powers, betas: tuple[float, float]) -> StepCount | None:
    """Return the count if both powers, as far as they are not 0, meet it bit for bit."""
    counts = []
    for value, beta in zip(powers.values, betas, strict=True):
        if value == 0:
            continue
        if not is_exact(value, beta, powers.dtype):
            return None
        counts.append(steps_of(value, beta, powers.dtype))
    count = counts[0]
    for value, beta in zip(powers.values, betas, strict=True):
        if value == 0 and count < underflow(beta, powers.dtype):
            return None
    if len(set(counts)) > 1:
        return None
    place = 0 if powers.values[0] else 1
    return StepCount(
        tensor=powers.tensors[place],
        transform=then(IDENTITY, Steps(beta=betas[place])),
        count=count,
        evidence=(f"{count} updates give this power of {betas[place]:g} bit for bit",),
    )


def _bounded(
    powers: _Powers, betas: tuple[float, float], step: StepCount | None
) -> StepCount | None:
    """Return the global step, or the least count, where both powers have become 0."""
    least = underflow(betas[1], powers.dtype)
    if step is not None and step.count >= least:
        return step
    finding = Finding(
        code="step-count-bounded",
        severity=Severity.WARNING,
        where=OPTIMIZER,
        message=f"both beta powers have become 0: {least} updates or more, and {least} is taken; "
        "that changes no update, but a learning rate schedule starts there",
    )
    return StepCount(
        tensor=powers.tensors[1],
        transform=then(IDENTITY, Steps(beta=betas[1])),
        count=least,
        evidence=(f"the power of {betas[1]:g} is 0 from {least} updates on",),
        findings=(finding,),
    )


def _held_against(count: StepCount, step: StepCount | None) -> StepCount:
    """Say so if the global step is another one."""
    if step is None or step.count == count.count or step.tensor == count.tensor:
        return count
    finding = Finding(
        code="step-counts-differ",
        severity=Severity.WARNING,
        where=OPTIMIZER,
        message=f"{step.tensor.name} is {step.count}, but the beta powers count {count.count} "
        "updates, which are taken: several optimizers, a partial restore, or accumulated gradients",
        remedy="a learning rate schedule of the architecture goes on from the updates",
    )
    return StepCount(
        tensor=count.tensor,
        transform=count.transform,
        count=count.count,
        evidence=count.evidence,
        findings=(*count.findings, finding),
    )
