"""First moments from how far weights have moved between two saves. Pure.

Exact for saves one update apart; over several the mean move stands in for the last one.
Source: the update rules of Keras 3.15 ``optimizers/sgd.py``, ``adam.py``, solved for the moment;
measured for distances up to 50 in ``docs/optimizer-state.md``.
"""

import math
from dataclasses import dataclass

import numpy as np

from tfrepair.core.tensor import Array

FARTHEST = 50
"""Updates between two saves from which on a move says little about the last gradients."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdamNumbers:
    """What an update of Adam depends on beside its slots.

    Attributes
    ----------
    rate, beta_1, beta_2, epsilon, decay
        Hyperparameters; ``decay`` is AdamW's, 0 for Adam.
    steps
        Updates that have been made.
    """

    rate: float
    beta_1: float
    beta_2: float
    epsilon: float
    decay: float
    steps: int


def momentum_of_move(now: Array, then: Array, distance: int) -> Array:
    """Return what SGD of Keras keeps as momentum: the mean move of one update.

    Parameters
    ----------
    now, then
        A weight in the later and in the earlier save.
    distance
        Updates between them, 1 or more.
    """
    return (now.astype(np.float64) - then.astype(np.float64)) / distance


def first_moment_of_move(
    now: Array, then: Array, second: Array, distance: int, numbers: AdamNumbers
) -> Array:
    """Return Adam's first moment from the mean move of one update.

    Parameters
    ----------
    now, then, distance
        As for :func:`momentum_of_move`.
    second
        Second moment of the later save, as stored.
    numbers
        See :class:`AdamNumbers`.
    """
    start = then.astype(np.float64)
    move = (now.astype(np.float64) - start) / distance + numbers.rate * numbers.decay * start
    first = 1.0 - numbers.beta_1**numbers.steps
    root = math.sqrt(1.0 - numbers.beta_2**numbers.steps)
    scale = np.sqrt(np.maximum(second.astype(np.float64), 0.0)) + numbers.epsilon
    return -move / numbers.rate * scale * (first / root)
