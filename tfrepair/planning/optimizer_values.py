"""One variable of an optimizer and the tensor that may fill it: the transform, or what is wrong.

What was done to a weight is done to its slots. Looks at values, since a slot that is not one does
more harm than none. Comes before :mod:`tfrepair.planning.optimizer`. Pure.
"""

from dataclasses import dataclass
from functools import partial

from tfrepair.core.architecture import Variable
from tfrepair.core.plan import Confidence, Match
from tfrepair.core.tensor import Tensor
from tfrepair.core.transform import (
    IDENTITY,
    Cast,
    Scale,
    Sum,
    Transform,
    TransformError,
    then,
)
from tfrepair.planning.dialects.optimizers import SHARED_SLOTS, Family
from tfrepair.planning.fit import cast_to, loose_fit, same_kind
from tfrepair.planning.lists import StatisticsOf
from tfrepair.planning.values import overflow


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotRule:
    """How the slots of one kind are carried.

    Attributes
    ----------
    kind, family
        See :mod:`tfrepair.planning.dialects.optimizers`.
    factor
        What values are multiplied by; 1 for a copy.
    evidence
        Sentences for the match.
    """

    kind: str
    family: Family
    factor: float = 1.0
    evidence: tuple[str, ...] = ()

    @property
    def never_negative(self) -> bool:
        """True if a negative value cannot be right."""
        slots = (*self.family.slots, *SHARED_SLOTS)
        return any(slot.kind == self.kind and slot.never_negative for slot in slots)


def slot_match(
    variable: Variable, weight: Match, tensor: Tensor, rule: SlotRule, statistics: StatisticsOf
) -> Match | str:
    """Match a slot with the tensor that was the same slot of the weight's source.

    Returns
    -------
    The match, as sure as the weight's own; or why the tensor cannot be used.
    """
    if not tensor.is_whole:
        note = f": {tensor.health_note}" if tensor.health_note else ""
        return f"{tensor.name} is {tensor.health}{note}"
    transform = _carried(weight.transform, tensor, variable)
    if isinstance(transform, str):
        return transform
    problem = _unlikely(tensor, variable, rule, statistics)
    if problem:
        return problem
    if rule.factor != 1.0:
        transform = then(transform, Scale(factor=rule.factor))
    return Match(
        target=variable.path,
        sources=(tensor.name,),
        transform=cast_to(transform, tensor.dtype, variable),
        confidence=weight.confidence,
        evidence=(
            f"{tensor.slot} of {tensor.slot_of}, the source of {variable.of}",
            *rule.evidence,
        ),
    )


def scalar_match(
    variable: Variable, tensor: Tensor, confidence: Confidence, evidence: tuple[str, ...]
) -> Match | str:
    """Match a scalar of an optimizer; or say why it does not fit."""
    if not tensor.is_whole:
        return f"{tensor.name} is {tensor.health}"
    transform = loose_fit(tensor.shape, tensor.dtype, variable)
    if transform is None:
        return f"{tensor.name} is {tensor.shape} {tensor.dtype}"
    return Match(
        target=variable.path,
        sources=(tensor.name,),
        transform=transform,
        confidence=confidence,
        evidence=evidence,
    )


def is_zero(tensor: Tensor, statistics: StatisticsOf) -> bool:
    """Return whether a slot holds nothing that could be lost."""
    found = statistics(tensor.name, IDENTITY)
    return found.minimum == found.maximum == 0 and not found.nan and not found.inf


def _carried(of_weight: Transform, tensor: Tensor, variable: Variable) -> Transform | str:
    """Return what happened to the weight but for its casts, if it moves elements only."""
    if any(isinstance(operation, Sum | Scale) for operation in of_weight.operations):
        return f"{variable.of} is computed by {of_weight}, which its slots do not follow"
    moves = tuple(step for step in of_weight.operations if not isinstance(step, Cast))
    transform = Transform(operations=moves)
    try:
        have = transform.shape(tensor.shape)
    except TransformError as error:
        return f"{tensor.name}: {error}"
    if have != variable.shape or not same_kind(tensor.dtype, variable.dtype):
        return f"{tensor.name} is {have} {tensor.dtype}, not {variable.shape} {variable.dtype}"
    return transform


def _unlikely(tensor: Tensor, variable: Variable, rule: SlotRule, statistics: StatisticsOf) -> str:
    read = partial(statistics, tensor.name, IDENTITY)
    found = read()
    if found.nan or found.inf:
        return f"{tensor.name} has {found.nan} NaN and {found.inf} infinite values"
    if rule.never_negative and found.minimum is not None and found.minimum < 0:
        return (
            f"{tensor.name} cannot be the {variable.slot} of a weight: its smallest value is "
            f"{found.minimum:g}"
        )
    broken = overflow(tensor.dtype, variable.dtype, read)
    return f"{tensor.name}: {broken}" if broken else ""
