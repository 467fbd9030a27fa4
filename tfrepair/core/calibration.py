"""How lost slots are estimated from data: which batches do what, and the arithmetic of it.

Calibrate at frozen weights, rehearse with ordinary updates, rewind the weights: the averages that
the rehearsal leaves are those of a training that moves. The step count then says how much evidence
there is, not how old the run is. Knows neither TensorFlow nor files; the worker runs the batches.
Comes before :mod:`tfrepair.planning.estimates`. Pure.

Source: strategies compared by ``scripts/optimizer_tables/lost_slots.py``; results in
``docs/optimizer-state.md``.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

import numpy as np

from tfrepair.core.tensor import Array

_FEWEST, _FEWEST_CORRECTED = 2, 16
"""With fewer batches a fresh start is as good: with bias correction it begins gently."""
_FIRST_ONLY = 32
"""Batches that a first moment remembers something of, several times over."""
_FROZEN_SHARE = 8
"""One batch in so many is taken at frozen weights."""
_SHORT = 16
"""So few batches are all taken at frozen weights where averages are not corrected for bias."""
_LONG = 100_000
"""Updates after which no average is biased any more."""


class Role(StrEnum):
    """What a slot means, as far as an estimate needs to know."""

    FIRST = "first"
    """Decaying average of gradients."""
    SECOND = "second"
    """Decaying average of their squares."""
    SUM = "sum"
    """Sum of their squares over the training, on top of an initial value."""
    LARGEST = "largest"
    """Decaying maximum of their absolute values."""
    PEAK = "peak"
    """Largest second moment so far."""
    REHEARSED = "rehearsed"
    """Anything else: what a rehearsal leaves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotTask:
    """One slot of an optimizer.

    Attributes
    ----------
    path, of
        Paths of the variable and of its weight.
    kind
        Slots of one kind mean the same for every weight.
    role
        See :class:`Role`.
    decay
        Of the average; 0 where there is none.
    corrected
        True if the update divides by ``1 - decay**t``.
    initial
        What a fresh optimizer starts with.
    lost
        True if the slot is to be estimated; the others have values.
    """

    path: str
    of: str
    kind: str
    role: Role
    decay: float = 0.0
    corrected: bool = False
    initial: float = 0.0
    lost: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return the task as plain JSON data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Build a task from :meth:`to_json` data."""
        return cls(**{**data, "role": Role(data["role"])})

    def correction(self, steps: int | None) -> float:
        """Return ``1 - decay**steps`` where the update divides by it; 1 for unknown steps."""
        if not self.corrected or steps is None:
            return 1.0
        return 1.0 - self.decay ** max(steps, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What is done with the batches.

    Attributes
    ----------
    frozen
        Batches whose gradients are averaged without a step.
    rehearsed
        Batches on which ordinary updates are made, before the weights are put back.
    by_ratio
        True if weights whose slots are known tell how stored squares relate to today's gradients.
    counter
        What the step count becomes; ``None`` to keep it.
    start
        Step count with which the rehearsal begins.
    """

    frozen: int
    rehearsed: int
    by_ratio: bool = False
    counter: int | None = None
    start: int = 0


_SQUARES = (Role.SECOND, Role.SUM, Role.LARGEST)


def recipe_for(tasks: Sequence[SlotTask], batches: int, steps: int | None) -> Recipe:
    """Choose what to do for what is lost.

    Parameters
    ----------
    tasks
        Every slot of the optimizer.
    batches
        How many there are.
    steps
        Updates that the training has made; ``None`` if nothing says so.
    """
    lost = {task.kind for task in tasks if task.lost and task.role in _SQUARES}
    known = {task.kind for task in tasks if not task.lost and task.role in _SQUARES}
    counted = any(task.corrected for task in tasks)
    # As far on as the training is: a preconditioner that is too weak then shows in the rehearsal.
    begun = _LONG if steps is None else steps
    if lost and lost <= known:
        return Recipe(frozen=batches, rehearsed=0, by_ratio=True)
    if not lost and any(task.lost for task in tasks) and known:
        return Recipe(frozen=0, rehearsed=min(batches, _FIRST_ONLY), start=begun)
    frozen = max(1, batches // _FROZEN_SHARE) if lost else 0
    if lost and not counted and batches <= _SHORT and not _needs_updates(tasks):
        frozen = batches
    if lost and all(task.role is Role.SUM for task in tasks if task.kind in lost):
        # A sum holds the squares of a whole training, which were larger than today's: what
        # updates from a fresh start see comes closer than what stands still.
        frozen = 0
    rehearsed = batches - frozen
    return Recipe(
        frozen=frozen,
        rehearsed=rehearsed,
        counter=rehearsed if counted else None,
        start=begun,
    )


def _needs_updates(tasks: Iterable[SlotTask]) -> bool:
    return any(task.lost and task.role is Role.REHEARSED for task in tasks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gradients:
    """What some batches say about the gradients of one weight, element by element.

    Attributes
    ----------
    mean, squares, largest
        Mean of the gradients, of their squares, and the largest absolute value.
    active
        Share of the batches in which the gradient is not 0.
    batches
        How many there were.
    """

    mean: Array
    squares: Array
    largest: Array
    active: Array
    batches: float

    @property
    def evidence(self) -> Array:
        """Mean of the squares, as if each element had been active once more.

        Rows of an embedding and units at rest show nothing in some batches; 0 would let their
        next gradient make the largest step there is.
        """
        share = float(np.mean(self.active))
        typical = float(np.mean(self.squares)) / share if share > 0 else 0.0
        return self.squares + typical / max(self.batches, 1.0)


def start_value(
    task: SlotTask, gradients: Gradients | None, recipe: Recipe, steps: int | None, rho: float
) -> float | Array:
    """Return what a lost slot begins the rehearsal with; the final value if there is none.

    Parameters
    ----------
    task
        A lost slot.
    gradients
        Of its weight at frozen weights; ``None`` without frozen batches.
    recipe
        In use.
    steps
        As for :func:`recipe_for`.
    rho
        As :func:`ratio` gives it; 1 where weights are not compared.
    """
    if gradients is None:
        return task.initial
    scale = 1.0 if recipe.by_ratio else task.correction(recipe.start)
    match task.role:
        case Role.FIRST:
            return task.initial if recipe.by_ratio else gradients.mean * scale
        case Role.SECOND | Role.PEAK:
            return gradients.evidence * (rho * scale)
        case Role.LARGEST:
            return gradients.largest * rho
        case Role.SUM:
            times = rho if recipe.by_ratio else float(steps or recipe.frozen + recipe.rehearsed)
            return task.initial + times * gradients.evidence
        case Role.REHEARSED:
            return task.initial


def final_value(
    task: SlotTask,
    begun: Array,
    ended: Array,
    rehearsal: Gradients,
    recipe: Recipe,
    steps: int | None,
) -> Array:
    """Return what a slot becomes after a rehearsal.

    Parameters
    ----------
    task
        The slot; a known one is only brought to the scale of the new step count.
    begun, ended
        Its values around the rehearsal.
    rehearsal
        Gradients during the rehearsal.
    recipe, steps
        As for :func:`start_value`.
    """
    final = steps if recipe.counter is None else recipe.counter
    if not task.lost:
        return begun * (task.correction(final) / max(task.correction(steps), 1e-30))
    at_end = task.correction(recipe.start + recipe.rehearsed)
    match task.role:
        case Role.FIRST:
            told = signal(rehearsal, task.decay)
            return ended * (told * task.correction(final) / at_end)
        case Role.SECOND | Role.PEAK if task.corrected:
            return rehearsal.evidence * task.correction(final)
        case Role.SUM:
            times = float(steps or recipe.frozen + recipe.rehearsed)
            return task.initial + times * rehearsal.evidence
        case _:
            return ended


def signal(gradients: Gradients, decay: float) -> float:
    """Return how much of an average of gradients would be there again under other batches.

    Parameters
    ----------
    gradients
        Of the rehearsal.
    decay
        Of the average, which remembers about ``1 / (1 - decay)`` batches.

    Returns
    -------
    Between 0 and 1: the share of what the batches have in common in the square of the average.
    An average that is mostly noise points elsewhere than the lost one did, and 0 is closer to it.
    """
    batches = gradients.batches
    if batches < 2:
        return 0.0
    variance = np.maximum(gradients.squares - gradients.mean**2, 0.0) * (batches / (batches - 1))
    noise = float(np.mean(variance))
    common = max(float(np.mean(gradients.mean**2)) - noise / batches, 0.0)
    left = noise * (1 - decay) / (1 + decay)
    return common / (common + left) if common > 0 else 0.0


def ratio(pairs: Iterable[tuple[SlotTask, Array, Gradients]]) -> float:
    """Return how stored squares relate to today's gradients, where both are known.

    Parameters
    ----------
    pairs
        Known slots of one kind with their values and the gradients of their weights.

    Returns
    -------
    The geometric mean over weights, each counting by its size; 1 if nothing can be compared.
    """
    total = weight = 0.0
    for task, value, gradients in pairs:
        today = gradients.largest if task.role is Role.LARGEST else gradients.squares
        stored, now = float(np.mean(value)) - _offset(task), float(np.mean(today))
        if stored > 0 and now > 0:
            total += value.size * math.log(stored / now)
            weight += value.size
    return math.exp(total / weight) if weight else 1.0


def _offset(task: SlotTask) -> float:
    return task.initial if task.role is Role.SUM else 0.0


def fewest_batches(tasks: Iterable[SlotTask]) -> int:
    """Return how many batches an estimate needs to be better than a fresh start."""
    lost = [task for task in tasks if task.lost]
    counted = any(task.corrected and task.role in _SQUARES for task in lost)
    return _FEWEST_CORRECTED if counted else _FEWEST


def lost_kinds(tasks: Collection[SlotTask]) -> tuple[str, ...]:
    """Return the kinds of the lost slots, each once."""
    return tuple(dict.fromkeys(task.kind for task in tasks if task.lost))
