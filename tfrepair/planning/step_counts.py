"""How many updates an optimizer has made: from its counter, its beta powers, the global step.

TensorFlow 1's Adam stores no count, but powers of its betas, from which it follows exactly until
they are 0 in float32. Betas that the architecture does not have are looked for: two powers that
give one count fit one pair. Comes before :mod:`tfrepair.planning.optimizer`. Pure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tfrepair.core.beta_powers import is_exact, steps_of, underflow
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Purpose, Tensor, TensorStore
from tfrepair.core.transform import IDENTITY, Steps, Transform, then
from tfrepair.planning.dialects.optimizers import BETAS
from tfrepair.planning.lists import StatisticsOf
from tfrepair.planning.stored_optimizer import STEP_WORDS, StoredOptimizer

GLOBAL_STEP = "global_step"
OPTIMIZER = "optimizer"
"""How findings name the optimizer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCount:
    """Where a step count comes from.

    Attributes
    ----------
    tensor, transform
        Source, and how it becomes the count; ``None`` if no tensor says it.
    count
        Its value.
    evidence
        As in a match.
    findings
        What should be known about it.
    betas
        What the beta powers were made of, if they tell.
    """

    tensor: Tensor | None = None
    transform: Transform = IDENTITY
    count: int
    evidence: tuple[str, ...]
    findings: tuple[Finding, ...] = ()
    betas: tuple[float, float] | None = None


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
    The count, or why there is none. The name of the file is asked last, and then said so.
    """
    found = _from_tensors(stored, betas, statistics)
    if isinstance(found, str):
        return _from_name(stored, found) or found
    return _held_against_name(found, stored)


def known_steps(store: TensorStore, statistics: StatisticsOf) -> int | None:
    """Return the one step count that a source states, whatever optimizer it belongs to."""
    counters = tuple(t for t in store if t.purpose is Purpose.COUNTER and t.shape == ())
    found = _direct(_named_steps(counters), statistics)
    return None if found is None else found.count


def betas_of(stored: StoredOptimizer, statistics: StatisticsOf) -> tuple[float, float] | None:
    """Return the betas of an optimizer of TensorFlow 1, if its powers fit one pair only."""
    for first, second in stored.powers:
        powers = _whole(first, second, statistics)
        if powers is None or 0.0 in powers.values:
            continue
        own = _agreed(powers, (BETAS[0][0], BETAS[1][0]))
        found = own or _recognized(powers)
        if found is not None:
            return found.betas
    return None


def _from_tensors(
    stored: StoredOptimizer, betas: tuple[float, float], statistics: StatisticsOf
) -> StepCount | str:
    own = [stored.scalars[word] for word in STEP_WORDS if word in stored.scalars]
    if not stored.is_saver:
        return _direct(own, statistics) or "the source has no count of its steps"
    if not stored.powers:
        return _direct(_global_steps(stored), statistics) or "the source has no global_step"
    return _of_powers(stored, betas, statistics)


def _from_name(stored: StoredOptimizer, why: str) -> StepCount | None:
    """Return the number at the end of the file's name."""
    if stored.file_step is None:
        return None
    finding = Finding(
        code="step-count-from-name",
        severity=Severity.WARNING,
        where=OPTIMIZER,
        message=f"{why}: the file is called ...-{stored.file_step}, and that is taken",
        remedy="give another one with steps = N in [optimizer] of a plan",
    )
    return StepCount(
        count=stored.file_step, evidence=("number in the file's name",), findings=(finding,)
    )


def _held_against_name(count: StepCount, stored: StoredOptimizer) -> StepCount:
    """Say so if the name of the file has another number."""
    step = stored.file_step
    if step is None or step == count.count:
        return count
    if any(finding.code == "step-counts-differ" for finding in count.findings):
        return count
    finding = Finding(
        code="step-counts-differ",
        severity=Severity.WARNING,
        where=OPTIMIZER,
        message=f"the file is called ...-{step}, but {_who(count)} says {count.count} updates, "
        "which are taken: a renamed file, a partial restore, or accumulated gradients",
        remedy="a learning rate schedule of the architecture goes on from the updates",
    )
    return replace(count, findings=(*count.findings, finding))


def _who(count: StepCount) -> str:
    return "nothing" if count.tensor is None else count.tensor.name


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
    return _named_steps(stored.counters)


def _named_steps(counters: Sequence[Tensor]) -> list[Tensor]:
    words = {tensor.name: tensor.name.rpartition("/")[2].lstrip("_") for tensor in counters}
    named = [tensor for tensor in counters if words[tensor.name] == GLOBAL_STEP]
    return named or [tensor for tensor in counters if words[tensor.name] in STEP_WORDS]


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
        several = ", ".join(f"{_who(steps)} ({steps.count})" for steps in counts)
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
    found = _recognized(powers)
    if found is None or found.betas is None:
        return None
    pair = found.betas
    finding = Finding(
        code="betas-differ",
        severity=Severity.WARNING,
        where=OPTIMIZER,
        message=f"the source was trained with betas {pair[0]:g} and {pair[1]:g}, as its beta "
        f"powers show; the architecture has {betas[0]:g} and {betas[1]:g}",
        remedy="compile the architecture with the betas of the training",
    )
    return replace(found, findings=(finding,))


def _recognized(powers: _Powers) -> StepCount | None:
    """Return the count under the one pair of betas whose powers these are."""
    fitting = [found for pair in _pairs() if (found := _agreed(powers, pair)) is not None]
    return fitting[0] if len(fitting) == 1 else None


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
        betas=betas,
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
    if step is None or step.tensor is None or step.count == count.count or step == count:
        return count
    finding = Finding(
        code="step-counts-differ",
        severity=Severity.WARNING,
        where=OPTIMIZER,
        message=f"{step.tensor.name} is {step.count}, but the beta powers count {count.count} "
        "updates, which are taken: several optimizers, a partial restore, or accumulated gradients",
        remedy="a learning rate schedule of the architecture goes on from the updates",
    )
    return replace(count, findings=(*count.findings, finding))
