"""Sentences about an optimizer's state: what is lost, left out, or goes on differently. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from tfrepair.core.findings import Finding, Severity
from tfrepair.core.plan import Plan
from tfrepair.core.tensor import Purpose
from tfrepair.planning.step_counts import OPTIMIZER
from tfrepair.planning.stored_optimizers import StoredOptimizer

LOST, LEFT_OUT, UNUSED = "optimizer-state-lost", "optimizer-left-out", "optimizer-slots-unused"
_CLOSE = 1e-6


def lost(
    stored: Sequence[StoredOptimizer], weights: Iterable[str], title: str, reason: str
) -> Iterator[Finding]:
    """Say that a source's optimizer is not used, and that the architecture's starts afresh."""
    count = _count(stored, weights)
    if not count:
        return
    yield Finding(
        code=LOST,
        severity=Severity.LOSS,
        where=OPTIMIZER,
        message=f"{count} slots of {_titles(stored)} in the source are not used: {reason}; all of "
        f"{title} starts afresh at step 0, since a mixture trains worse than a fresh start",
        remedy="write a plan with `tfrepair plan -o plan.toml` and fill the optimizer in [map]",
    )


def without_loss(plan: Plan) -> Plan:
    """Return the plan of a live model that keeps its own optimizer: that is no loss."""
    kept = tuple(finding for finding in plan.findings if finding.code != LOST)
    return replace(plan, findings=kept)


def left_out(stored: Sequence[StoredOptimizer], weights: Iterable[str]) -> Iterator[Finding]:
    """Say that a source has slots, and the architecture no optimizer."""
    count = _count(stored, weights)
    if not count:
        return
    yield Finding(
        code=LEFT_OUT,
        severity=Severity.NOTE,
        where=OPTIMIZER,
        message=f"the source holds {count} slots of {_titles(stored)}, and the architecture has "
        "no optimizer: they are left out",
        remedy="compile the model to keep them, or give --optimizer",
    )


def unused_slots(counts: Sequence[tuple[StoredOptimizer, int]], title: str) -> Iterator[Finding]:
    """Say which slots go nowhere although the optimizer is carried over."""
    if not counts:
        return
    texts = ", ".join(f"{count} of {stored.title}" for stored, count in counts)
    yield Finding(
        code=UNUSED,
        severity=Severity.LOSS,
        where=OPTIMIZER,
        message=f"slots in the source go nowhere: {texts}; the architecture's {title} has no such "
        "slots",
        remedy="compile the model with the optimizer and settings of the training",
    )


def rate_finding(source: str, value: float | None, configured: object) -> Iterator[Finding]:
    """Say that the learning rate of the source replaces another one."""
    if _differ(value, configured):
        yield Finding(
            code="learning-rate-restored",
            severity=Severity.NOTE,
            where=OPTIMIZER,
            message=f"the learning rate is {value:g}, from {source}; the architecture was "
            f"compiled with {configured:g}",
        )


def rate_left(value: float | None, configured: object) -> Iterator[Finding]:
    """Say that the source states another learning rate, but holds no tensor of it."""
    if _differ(value, configured):
        yield Finding(
            code="learning-rate-differs",
            severity=Severity.WARNING,
            where=OPTIMIZER,
            message=f"the configuration in the source states a learning rate of {value:g}; the "
            f"architecture was compiled with {configured:g}, which it keeps",
            remedy=f"compile with learning_rate={value:g} to go on as before",
        )


def _differ(value: float | None, configured: object) -> bool:
    if value is None or not isinstance(configured, int | float):
        return False
    return abs(value - configured) > _CLOSE * abs(configured)


def epsilon_findings(
    title: str, epsilon: object, saver_epsilon: float | None, *, moves: bool
) -> tuple[Finding, ...]:
    """Say where update rules differ by their epsilon, which no state can make up for.

    Parameters
    ----------
    title
        Class of the architecture's optimizer.
    epsilon
        What it is compiled with.
    saver_epsilon
        Default of TensorFlow 1, if the source is from there.
    moves
        True if one side adds epsilon to the root, the other under it.
    """
    found = []
    if saver_epsilon is not None and isinstance(epsilon, int | float) and epsilon != saver_epsilon:
        message = (
            f"{title} is compiled with epsilon {epsilon:g}; no checkpoint says what it was, and "
            f"TensorFlow 1 has {saver_epsilon:g} by default"
        )
        found.append(("epsilon-unknown", Severity.NOTE, message))
    if moves:
        message = (
            f"{title} before tf.keras 2.11 adds epsilon to the root, other versions under it: the "
            "epsilon of the one is the square of the other's"
        )
        found.append(("update-rule-differs", Severity.WARNING, message))
    return tuple(
        Finding(
            code=code,
            severity=severity,
            where=OPTIMIZER,
            message=message,
            remedy="compile the architecture with the epsilon that continues the training",
        )
        for code, severity, message in found
    )


def _count(stored: Iterable[StoredOptimizer], weights: Iterable[str]) -> int:
    owners = {*weights, ""}
    return sum(
        tensor.purpose is Purpose.SLOT and tensor.slot_of in owners
        for optimizer in stored
        for tensor in optimizer.tensors
    )


def _titles(stored: Iterable[StoredOptimizer]) -> str:
    return ", ".join(dict.fromkeys(optimizer.title for optimizer in stored))
