"""The optimizer that a source was trained with, as Keras would be compiled with it.

For architectures that are not compiled. Class and hyperparameters come from what the source says,
each with its origin; where another update rule continues it, they are computed so that the same
state goes on alike. Comes before the architecture is built. Pure.

Source: update rules in ``docs/optimizer-state.md``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tfrepair.core.optimizer_plan import Origin, Setting
from tfrepair.core.tensor import TensorStore
from tfrepair.planning.dialects.optimizers import SHARED_SETTINGS, Family
from tfrepair.planning.hyperparameters import DECAY, EPSILON, RATE, stored_settings
from tfrepair.planning.lists import StatisticsOf
from tfrepair.planning.stored_optimizer import StoredOptimizer
from tfrepair.planning.stored_optimizers import stored_optimizers

_LEGACY = frozenset({"sgd", "adam", "nadam", "adamax", "rmsprop", "adagrad", "adadelta", "ftrl"})
"""Families that ``tf_keras.optimizers.legacy`` has: the update rules of ``OptimizerV2``."""
_USUAL_MOMENTUM = 0.9
_BERT: Mapping[str, Any] = {"global_clipnorm": 1.0}
_LEGACY_ASIDE = frozenset({"weight_decay", "use_ema", "ema_momentum", "ema_overwrite_frequency",
                           "loss_scale_factor", "gradient_accumulation_steps"})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An optimizer to compile with.

    Attributes
    ----------
    class_name, is_legacy
        The class, and whether it is one of ``tf_keras.optimizers.legacy``.
    origin
        Where the class comes from.
    settings
        Hyperparameters that are known, or have to be taken; by name.
    """

    class_name: str
    is_legacy: bool
    origin: Origin
    settings: Mapping[str, Setting]

    def to_config(self) -> dict[str, Any]:
        """Return what the host compiles with: a request's ``fallback_optimizer``."""
        config = {name: setting.value for name, setting in self.settings.items()}
        return {"class_name": self.class_name, "config": config, "legacy": self.is_legacy}


def chosen_optimizer(store: TensorStore, statistics: StatisticsOf, *, keras: int) -> Choice | str:
    """Find the optimizer of a source.

    Parameters
    ----------
    store
        Any source.
    statistics
        Called for scalars only.
    keras
        Generation that the output is for: 2 or 3.

    Returns
    -------
    What to compile with, or why nothing says it.
    """
    found = [one for one in stored_optimizers(store) if one.slots or one.config]
    if not found:
        return "the source holds no state of an optimizer"
    if len({one.title for one in found}) > 1:
        titles = ", ".join(one.title for one in found)
        return f"the source holds several optimizers ({titles}), and nothing decides between them"
    stored = found[0]
    family = stored.family
    if family is None:
        return f"how {stored.title} keeps its state is not among what tfrepair carries over"
    class_name = family.keras_2 if keras == 2 else family.keras_3
    if not class_name:
        return f"Keras {keras} has no optimizer that goes on from the state of {stored.title}"
    is_legacy = keras == 2 and family.name in _LEGACY and _is_before(stored)
    settings = _settings(stored, family, statistics, is_legacy=is_legacy)
    origin = Origin.SLOTS if stored.is_saver or not stored.config else Origin.CONFIG
    return Choice(class_name=class_name, is_legacy=is_legacy, origin=origin, settings=settings)


def _is_before(stored: StoredOptimizer) -> bool:
    """Tell whether a source is from before tf.keras 2.11, whose rules the legacy classes have."""
    if stored.is_saver:
        return False
    old = {DECAY, "schedule_decay"}
    return bool(
        old & stored.config.keys()
        or {DECAY, "momentum_cache", "m_schedule"} & stored.scalars.keys()
        or "iter" in stored.scalars
    )


def _settings(
    stored: StoredOptimizer, family: Family, statistics: StatisticsOf, *, is_legacy: bool
) -> Mapping[str, Setting]:
    known = {**stored_settings(stored, family, statistics)}
    decay = known.pop(DECAY, None)
    if family.name == "nadam":
        decay = decay if is_legacy else None  # the pace of the momentum schedule, no decay
    if family.name == "adamweightdecay":
        for name, value in _BERT.items():
            known.setdefault(name, Setting(name=name, value=value, origin=Origin.WRITER_DEFAULT))
    found = {name: s for name, s in known.items() if s.value is not None}
    found |= _by_slots(stored, family, found)
    if is_legacy:
        if decay is not None:
            found[DECAY] = decay
        return {name: s for name, s in found.items() if name not in _LEGACY_ASIDE}
    return _today(found, decay, stored, family)


def _by_slots(
    stored: StoredOptimizer, family: Family, known: Mapping[str, Setting]
) -> dict[str, Setting]:
    """Return switches that follow from which slots there are."""
    found = {}

    def say(name: str, value: Any, origin: Origin = Origin.SLOTS) -> None:  # noqa: ANN401
        if name not in known:
            found[name] = Setting(name=name, value=value, origin=origin)

    if "vhat" in stored.kinds:
        say("amsgrad", value=True)
    if "average" in stored.kinds:
        say("use_ema", value=True)
    if "mg" in stored.kinds:
        say("centered", value=True)
    if family.name == "sgd" and "momentum" in stored.kinds:
        say("momentum", _USUAL_MOMENTUM, Origin.DEFAULT)
    if family.name == "rmsprop" and "momentum" in stored.kinds and not stored.is_saver:
        say("momentum", _USUAL_MOMENTUM, Origin.DEFAULT)
    return found


def _today(
    found: Mapping[str, Setting], decay: Setting | None, stored: StoredOptimizer, family: Family
) -> dict[str, Setting]:
    """Rewrite hyperparameters for the update rules since tf.keras 2.11."""
    result = {
        name: setting
        for name, setting in found.items()
        if name in (*family.settings, *SHARED_SETTINGS)
    }
    rate, epsilon = result.get(RATE), result.get(EPSILON)
    is_outside = family.moves_epsilon and "rms" in stored.names and "momentum" not in stored.kinds
    if epsilon is not None and is_outside:
        result[EPSILON] = replace(epsilon, value=float(epsilon.value) ** 2, origin=Origin.CONVERTED)
    weight_decay = result.get("weight_decay")
    if stored.is_addon and family.name == "adamw" and weight_decay and _is_number(rate):
        value = float(weight_decay.value) / float(rate.value)  # type: ignore[union-attr]
        result["weight_decay"] = replace(weight_decay, value=value, origin=Origin.CONVERTED)
    if decay is not None and decay.value and rate is not None and _is_number(rate):
        schedule = {
            "class_name": "InverseTimeDecay",
            "config": {
                "initial_learning_rate": rate.value,
                "decay_steps": 1,
                "decay_rate": decay.value,
                "staircase": False,
            },
            "module": "keras.optimizers.schedules",
            "registered_name": None,
        }
        result[RATE] = replace(rate, value=schedule, origin=Origin.CONVERTED)
    elif rate is not None and isinstance(rate.value, dict):
        named = {"module": "keras.optimizers.schedules", "registered_name": None}
        result[RATE] = replace(rate, value={**named, **rate.value})
    return result


def _is_number(setting: Setting | None) -> bool:
    return setting is not None and isinstance(setting.value, int | float)
