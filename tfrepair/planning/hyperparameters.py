"""Hyperparameters that a source states for its optimizer, under today's names, with origins.

Scalars of the source count most, since they hold the present values; then its configuration, the
graph beside it, the powers of its betas, and what its writer takes by default. What nothing says
is left out. Comes before :mod:`tfrepair.planning.optimizer_choice`. Pure.

Source: ``get_config`` of the optimizers of Keras 1.2 to 3.15, tf_keras, TensorFlow Addons 0.19.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfrepair.core.optimizer_plan import Origin, Setting
from tfrepair.core.tensor import Tensor
from tfrepair.core.transform import IDENTITY
from tfrepair.planning.dialects.optimizers import SHARED_SETTINGS, Family
from tfrepair.planning.lists import StatisticsOf
from tfrepair.planning.step_counts import betas_of
from tfrepair.planning.stored_optimizer import StoredOptimizer

RATE, DECAY, EPSILON = "learning_rate", "decay", "epsilon"
_TODAY: Mapping[str, str] = {"lr": RATE, "weight_decay_rate": "weight_decay"}
"""Names of today by names of old."""
_KERAS_EPSILON = 1e-7
_DEFAULT_BETAS = (0.9, 0.999)


def stored_settings(
    stored: StoredOptimizer, family: Family, statistics: StatisticsOf
) -> Mapping[str, Setting]:
    """Return the hyperparameters of an optimizer of a source.

    Parameters
    ----------
    stored
        The optimizer.
    family
        Its family: names that this one does not have are left out.
    statistics
        Called for scalars only.

    Returns
    -------
    By today's name; besides those of the family ``decay``, of optimizers before tf.keras 2.11.
    """
    known = {*family.settings, *SHARED_SETTINGS, DECAY}
    found: dict[str, Setting] = {}
    for name, value in family.saver_settings if stored.is_saver else ():
        found[name] = Setting(name=name, value=value, origin=Origin.WRITER_DEFAULT)
    betas = betas_of(stored, statistics) if family.counts_steps else None
    for name, beta in zip(("beta_1", "beta_2"), betas or (), strict=False):
        found[name] = Setting(name=name, value=beta, origin=Origin.BETA_POWERS)
    for old, value in stored.config.items():
        name = _TODAY.get(old, old)
        if name in known and _is_plain(value):
            plain = _KERAS_EPSILON if name == EPSILON and value is None else value
            found[name] = Setting(name=name, value=plain, origin=stored.config_origin)
    for word, tensor in stored.scalars.items():
        name = _TODAY.get(word, word)
        number = scalar_value(tensor, statistics)
        if name in known and number is not None and not _is_schedule(found.get(name)):
            found[name] = Setting(name=name, value=_short(number), origin=Origin.TENSOR)
    rate = saver_rate(stored, statistics)
    if rate is not None and RATE in known:
        found[RATE] = Setting(name=RATE, value=_short(rate[1]), origin=Origin.TENSOR)
    return found


def saver_rate(stored: StoredOptimizer, statistics: StatisticsOf) -> tuple[Tensor, float] | None:
    """Return the learning rate of a TensorFlow 1 file, if it has exactly one that is positive."""
    found = [
        (tensor, value)
        for tensor in stored.rates
        if tensor.is_whole and (value := statistics(tensor.name, IDENTITY).mean) is not None
    ]
    values = {value for _, value in found}
    return found[0] if len(values) == 1 and values.pop() > 0 else None


def scalar_value(tensor: Tensor, statistics: StatisticsOf) -> float | None:
    """Return the value of a scalar that is whole and finite."""
    if not tensor.is_whole or tensor.shape not in ((), (1,)):
        return None
    return statistics(tensor.name, IDENTITY).mean


def _is_schedule(setting: Setting | None) -> bool:
    """Tell whether the learning rate follows a schedule: then no scalar replaces it."""
    return setting is not None and isinstance(setting.value, dict)


def _is_plain(value: object) -> bool:
    """Tell whether a value is one that can be compared and written: numbers, flags, a schedule."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, dict):
        return isinstance(value.get("class_name"), str)
    return value is None or isinstance(value, bool | int | str)


def _short(value: float) -> float:
    """Drop the digits that float32 added, where fewer say the same number."""
    short = float(f"{value:.7g}")
    return short if np.float32(short) == np.float32(value) else value


def same_value(one: Any, other: Any) -> bool:  # noqa: ANN401 - JSON values
    """Tell whether two hyperparameters are equal, up to the rounding of float32."""
    numbers = (int, float)
    if isinstance(one, numbers) and isinstance(other, numbers):
        return abs(one - other) <= 1e-6 * max(abs(one), abs(other))
    if one in (None, False, 0) and other in (None, False, 0):
        return True
    return bool(one == other)
