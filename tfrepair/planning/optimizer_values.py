"""One variable of an optimizer and the tensor that may fill it: the transform, or what is wrong.

What was done to a weight is done to its slots. Looks at values, since a slot that is not one does
more harm than none. Comes before :mod:`tfrepair.planning.optimizer`. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from tfrepair.core.architecture import Variable
from tfrepair.core.assembly import adds_up, region_shape
from tfrepair.core.plan import Confidence, Match
from tfrepair.core.tensor import Tensor
from tfrepair.core.transform import (
    IDENTITY,
    AddForget,
    Cast,
    Offset,
    Scale,
    Square,
    Sum,
    Transform,
    TransformError,
    then,
)
from tfrepair.planning.dialects.optimizers import SHARED_SLOTS, Family
from tfrepair.planning.fit import cast_to, loose_fit, same_kind
from tfrepair.planning.lists import StatisticsOf
from tfrepair.planning.values import overflow

_ARITHMETIC = Sum | Scale | Square


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
    variable: Variable,
    weight: Match,
    tensors: Sequence[Tensor],
    rule: SlotRule,
    statistics: StatisticsOf,
) -> Match | str:
    """Match a slot with the tensors that were the same slot of the weight's sources.

    Parameters
    ----------
    variable, rule
        The slot, and how slots of its kind are carried.
    weight
        The match of the weight that it belongs to.
    tensors
        The slot of each of the weight's sources, in their order.
    statistics
        Called for the tensors.

    Returns
    -------
    The match, as sure as the weight's own; or why a tensor cannot be used.
    """
    if adds_up([transform for _, transform in weight.edges], variable.shape):
        return f"{variable.of} is a sum of {', '.join(weight.sources)}, which slots do not follow"
    transforms = []
    for (_, of_weight), tensor in zip(weight.edges, tensors, strict=True):
        found = _part(variable, of_weight, tensor, rule, statistics)
        if isinstance(found, str):
            return found
        transforms.append(found)
    first, *others = dict.fromkeys(tensors)
    more = f" and {len(others)} more" if others else ""
    return Match(
        target=variable.path,
        sources=tuple(tensor.name for tensor in tensors),
        transform=IDENTITY if weight.parts else transforms[0],
        parts=tuple(transforms) if weight.parts else (),
        confidence=weight.confidence,
        evidence=(
            f"{first.slot} of {first.slot_of}{more}, the source of {variable.of}",
            *rule.evidence,
        ),
    )


def _part(
    variable: Variable,
    of_weight: Transform,
    tensor: Tensor,
    rule: SlotRule,
    statistics: StatisticsOf,
) -> Transform | str:
    """Return what happens to one tensor of a slot, or why it cannot be used."""
    if not tensor.is_whole:
        note = f": {tensor.health_note}" if tensor.health_note else ""
        return f"{tensor.name} is {tensor.health}{note}"
    transform = _carried(of_weight, tensor, variable)
    if isinstance(transform, str):
        return transform
    problem = _unlikely(tensor, variable, rule, statistics)
    if problem:
        return problem
    region = transform.region
    steps = tuple(step for step in transform.operations if step is not region)
    if rule.factor != 1.0:
        steps = (*steps, Scale(factor=rule.factor))
    transform = cast_to(Transform(operations=steps), tensor.dtype, variable)
    return transform if region is None else then(transform, region)


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
    if any(isinstance(operation, _ARITHMETIC) for operation in of_weight.operations):
        return f"{variable.of} is computed by {of_weight}, which its slots do not follow"
    # What is added to a weight changes nothing in its gradient.
    moves = tuple(
        step for step in of_weight.operations if not isinstance(step, Cast | Offset | AddForget)
    )
    transform = Transform(operations=moves)
    try:
        have = transform.shape(tensor.shape)
        room = region_shape(transform.region, variable.shape)
    except TransformError as error:
        return f"{tensor.name}: {error}"
    if have != room or not same_kind(tensor.dtype, variable.dtype):
        return f"{tensor.name} is {have} {tensor.dtype}, not {room} {variable.dtype}"
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
