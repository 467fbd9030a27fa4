"""Sentences about an optimizer's state: what is lost, left out, or goes on differently. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from tfrepair.core.findings import Finding, Severity
from tfrepair.core.optimizer_plan import Fresh, Rebuilt, Setting
from tfrepair.core.plan import Plan
from tfrepair.core.tensor import Purpose
from tfrepair.planning.dialects.relatives import EXPECTED, Relation
from tfrepair.planning.step_counts import OPTIMIZER
from tfrepair.planning.stored_optimizer import StoredOptimizer

LOST, LEFT_OUT, UNUSED = "optimizer-state-lost", "optimizer-left-out", "optimizer-slots-unused"
PARTLY, DERIVED, OTHER = "optimizer-partly-lost", "optimizer-derived", "optimizer-other-family"
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
        f"{title} starts afresh at step 0, since a mixture trains worse than a fresh start; "
        + EXPECTED["group"],
        remedy="write a plan with `tfrepair plan -o plan.toml` and fill the optimizer in [map]",
    )


def partly_lost(fresh: Sequence[tuple[Fresh, str]], total: int, title: str) -> Iterator[Finding]:
    """Say which slots start afresh although others are kept.

    Parameters
    ----------
    fresh
        With the kind of each.
    total
        Number of all slots.
    title
        Class of the optimizer.
    """
    if not fresh:
        return
    kinds = dict.fromkeys(kind for _, kind in fresh)
    expected = dict.fromkeys(EXPECTED[kind] for kind in kinds if kind in EXPECTED)
    yield Finding(
        code=PARTLY,
        severity=Severity.LOSS,
        where=OPTIMIZER,
        message=f"{len(fresh)} of {total} slots of {title} start afresh ({', '.join(kinds)}): "
        f"{fresh[0][0].why}; the others are kept" + "".join(f"; {text}" for text in expected),
        remedy="write a plan with `tfrepair plan -o plan.toml` and fill them in [map]",
    )


def derived(rebuilt: Sequence[Rebuilt], title: str) -> Iterator[Finding]:
    """Say which variables follow from others by a rule."""
    by_rule: dict[str, list[Rebuilt]] = {}
    for entry in rebuilt:
        by_rule.setdefault(str(entry.rule), []).append(entry)
    for text, entries in by_rule.items():
        yield Finding(
            code=DERIVED,
            severity=Severity.NOTE,
            where=OPTIMIZER,
            message=f"{len(entries)} variables of {title} follow by {text}, the first: "
            f"{entries[0].target} ({entries[0].why})",
        )


def class_assumed(chosen: StoredOptimizer) -> Finding:
    """Say that nothing names the class of the source's optimizer, and which was taken."""
    return Finding(
        code="optimizer-class-assumed",
        severity=Severity.WARNING,
        where=OPTIMIZER,
        message=f"nothing in the source names the class of its optimizer; its slots "
        f"({', '.join(sorted(chosen.names))}) are those of {chosen.title}, as the architecture "
        "has it, and are taken as such",
        remedy="check that the training used this class",
    )


def other_family(source: str, title: str, relation: Relation) -> Finding:
    """Say that slots of another class are used, and how well that goes."""
    return Finding(
        code=OTHER,
        severity=Severity.NOTE if relation.is_exact else Severity.WARNING,
        where=OPTIMIZER,
        message=f"the source was trained with {source}, the architecture has {title}: "
        f"{relation.note}",
    )


def hyperparameter_findings(differing: Sequence[tuple[Setting, object]]) -> Iterator[Finding]:
    """Say which hyperparameters of the training the architecture does not have."""
    if not differing:
        return
    texts = ", ".join(
        f"{setting.name} {_shown(setting.value)} ({setting.origin.value}), here {_shown(have)}"
        for setting, have in differing
    )
    yield Finding(
        code="hyperparameters-differ",
        severity=Severity.WARNING,
        where=OPTIMIZER,
        message=f"the source was trained with {texts}",
        remedy="compile the architecture with those of the training, or give --optimizer-option "
        + " ".join(f"{setting.name}={_shown(setting.value)}" for setting, _ in differing),
    )


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dict):
        return str(value.get("class_name", "a schedule"))
    return str(value)


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
