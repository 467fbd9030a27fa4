"""Beta powers of TensorFlow 1: the running product from which Adam's step count is read.

``beta1_power`` starts at ``beta1`` and is multiplied by it in every update, in the precision of the
variable; what is smaller than the smallest normal number becomes 0. Pure.

Source: TensorFlow ``python/training/adam.py``; TensorFlow 1.15 and 2.21 hold bit for bit what the
product below gives, and 0 from the update on that :func:`underflow` names (828 for 0.9).
"""

import math
from functools import lru_cache

import numpy as np

from tfrepair.core.tensor import Array

LARGEST_BETA = 0.99999
"""Above, a table of all powers would take more than 40 MB."""


def steps_of(power: float, beta: float, dtype: str = "float32") -> int:
    """Return the number of updates after which a beta power has a value.

    Parameters
    ----------
    power
        Value of the variable, from 0 to ``beta``.
    beta
        What it is multiplied by, between 0 and :data:`LARGEST_BETA`.
    dtype
        Precision of the variable.

    Returns
    -------
    The count whose power is nearest. For 0 it is the first count at which the variable is 0: a
    lower bound.

    Raises
    ------
    ValueError
        If the power or beta is out of bounds.
    """
    table = _table(beta, dtype)
    if not 0 <= power <= table[0]:
        message = f"a power of {beta:g} lies between 0 and {beta:g}, found {power:g}"
        raise ValueError(message)
    place = int(np.searchsorted(-table, -power))
    around = [n for n in (place - 1, place) if 0 <= n < len(table)]
    return min(around, key=lambda n: abs(float(table[n]) - power))


def is_exact(power: float, beta: float, dtype: str = "float32") -> bool:
    """Return whether the powers of a beta meet a value bit for bit, before they are 0."""
    if not 0 < power <= np.dtype(dtype).type(beta):
        return False
    return bool(float(_table(beta, dtype)[steps_of(power, beta, dtype)]) == power)


def underflow(beta: float, dtype: str = "float32") -> int:
    """Return the first number of updates after which the variable is 0."""
    return len(_table(beta, dtype)) - 1


@lru_cache(maxsize=32)
def _table(beta: float, dtype: str) -> Array:
    """Return the variable after 0, 1, 2, ... updates, up to and with its first 0."""
    if not 0 < beta <= LARGEST_BETA or dtype not in ("float32", "float64"):
        message = f"beta must lie between 0 and {LARGEST_BETA:g}, found {beta:g} as {dtype}"
        raise ValueError(message)
    kind = np.dtype(dtype).type
    smallest = float(np.finfo(kind).tiny)
    count = math.ceil(math.log(smallest) / math.log(float(kind(beta)))) + 64
    powers = np.multiply.accumulate(np.full(count, kind(beta), dtype=dtype))
    powers = powers[powers >= smallest]
    return np.append(powers, kind(0))


def power_of(steps: int, beta: float, dtype: str = "float32") -> float:
    """Return the variable after a number of updates; 0 from :func:`underflow` on.

    Raises
    ------
    ValueError
        If the count is negative or beta is out of bounds.
    """
    if steps < 0:
        message = f"a step count is not negative, found {steps}"
        raise ValueError(message)
    table = _table(beta, dtype)
    return float(table[min(steps, len(table) - 1)])


def correction_free(*betas: float) -> int:
    """Return the least number of updates from which no bias correction changes an update.

    ``1 - beta ** t`` is 1 in float32 then, for every beta: 17 321 for 0.999.
    """
    return max(_correction_free(beta) for beta in betas)


@lru_cache(maxsize=32)
def _correction_free(beta: float) -> int:
    # 1 - x rounds to 1 in float32 for x <= 2 ** -25.
    exact = math.log(2.0**-25) / math.log(float(np.float32(beta)))
    return max(1, math.ceil(exact))
