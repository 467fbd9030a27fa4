"""The configuration of an optimizer that a ``.keras`` has forgotten, from its variables.

Slots tell the class and which options were on, the second variable the learning rate; numbers
like ``beta_1`` are in no variable, and are those of Keras until a donor tells them. Pure.

Source: ``get_config`` of every optimizer of Keras 3.15.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import Any

import numpy as np

from tfrepair.core.tensor import Purpose, Tensor, TensorStore

_COMMON: Mapping[str, Any] = MappingProxyType(
    {
        "weight_decay": None,
        "clipnorm": None,
        "global_clipnorm": None,
        "clipvalue": None,
        "use_ema": False,
        "ema_momentum": 0.99,
        "ema_overwrite_frequency": None,
        "loss_scale_factor": None,
        "gradient_accumulation_steps": None,
    }
)
_MOMENTS: Mapping[str, Any] = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-07}
_CLASSES: Mapping[str, tuple[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "sgd": ("SGD", {"momentum": 0.0, "nesterov": False}),
        "adam": ("Adam", {**_MOMENTS, "amsgrad": False}),
        "adamw": ("AdamW", {"weight_decay": 0.004, **_MOMENTS, "amsgrad": False}),
        "nadam": ("Nadam", _MOMENTS),
        "adamax": ("Adamax", _MOMENTS),
        "rmsprop": (
            "RMSprop",
            {"rho": 0.9, "momentum": 0.0, "epsilon": 1e-07, "centered": False},
        ),
        "adagrad": ("Adagrad", {"initial_accumulator_value": 0.1, "epsilon": 1e-07}),
        "adadelta": ("Adadelta", {"rho": 0.95, "epsilon": 1e-07}),
        "ftrl": (
            "Ftrl",
            {
                "learning_rate_power": -0.5,
                "initial_accumulator_value": 0.1,
                "l1_regularization_strength": 0.0,
                "l2_regularization_strength": 0.0,
                "l2_shrinkage_regularization_strength": 0.0,
                "beta": 0.0,
            },
        ),
        "lion": ("Lion", {"beta_1": 0.9, "beta_2": 0.99}),
        "lamb": ("Lamb", _MOMENTS),
    }
)
_SWITCHES: Mapping[tuple[str, str], tuple[str, Any]] = MappingProxyType(
    {
        ("sgd", "momentum"): ("momentum", 0.9),
        ("rmsprop", "momentum"): ("momentum", 0.9),
        ("rmsprop", "average_gradient"): ("centered", True),
        ("adam", "velocity_hat"): ("amsgrad", True),
        ("adamw", "velocity_hat"): ("amsgrad", True),
    }
)
"""Settings that a slot shows to have been on; a momentum other than zero is a usual one."""


_AVERAGE = "average"
_ALWAYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "adam": ("momentum", "velocity"),
        "adamw": ("momentum", "velocity"),
        "rmsprop": ("velocity",),
    }
)
_OPTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "sgd": ("momentum",),
        "adam": ("velocity_hat",),
        "adamw": ("velocity_hat",),
        "rmsprop": ("momentum", "average_gradient"),
    }
)
_CLOSE, _APART = 0.3, 0.7
"""Distance of an average from its weight, as a share of the weight; and that of anything else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Healed:
    """An optimizer as Keras 3 writes it into a ``compile_config``.

    Attributes
    ----------
    config
        ``module``, ``class_name``, ``config``, ``registered_name``.
    known
        Settings that the file itself tells.
    assumed
        Settings that are Keras' own, since nothing tells them.
    """

    config: Mapping[str, Any]
    known: tuple[str, ...]
    assumed: tuple[str, ...] = ()

    @property
    def class_name(self) -> str:
        """Class of the optimizer."""
        return str(self.config["class_name"])


def optimizer_from_slots(store: TensorStore) -> Healed | str:
    """Return the optimizer whose variables a ``.keras`` of Keras 3 holds.

    Parameters
    ----------
    store
        The archive; its slots are named.

    Returns
    -------
    The optimizer, or the reason why the file does not tell which it is.
    """
    name = store.attributes.get("optimizer", "")
    key = name.lower().replace("_", "")
    if not name:
        return "nothing in the file says which class its optimizer has"
    if key not in _CLASSES:
        return f"its optimizer is called {name}, which is no class of Keras"
    slots = [t for t in store if t.purpose in (Purpose.SLOT, Purpose.AVERAGE)]
    kinds = {tensor.slot for tensor in slots}
    if "" in kinds:
        found = _kinds_by_values(store, slots, key)
        if found is None:
            return f"several kinds of {name} have as many variables of these shapes"
        kinds = found
    class_name, settings = _CLASSES[key]
    own: dict[str, Any] = {"name": name, "learning_rate": _rate(store), **_COMMON, **settings}
    known = ["learning_rate"] if own["learning_rate"] is not None else []
    for slot in sorted(kinds):
        setting, value = _SWITCHES.get((key, slot), ("", None))
        if setting:
            own[setting] = value
            known += [setting] if value is True else []
    if _AVERAGE in kinds:
        own["use_ema"] = True
        known.append("use_ema")
    if own["learning_rate"] is None:
        own["learning_rate"] = 0.001
    assumed = [setting for setting in settings if setting not in known]
    return Healed(config=_serialized(class_name, own), known=tuple(known), assumed=tuple(assumed))


def _kinds_by_values(store: TensorStore, slots: Sequence[Tensor], key: str) -> set[str] | None:
    """Return the kinds of slots where averages of weights are the other possibility.

    Averages come first in the list and are close to their weights; momenta are not. ``None`` if
    that does not leave exactly one set of settings.
    """
    weights = [t for t in store if t.purpose is Purpose.WEIGHT and _may_be_trained(t)]
    fitting = []
    for chosen in product((False, True), repeat=len(_OPTIONS.get(key, ())) + 1):
        is_on = dict(zip((_AVERAGE, *_OPTIONS.get(key, ())), chosen, strict=True))
        kinds = {*_ALWAYS.get(key, ()), *(kind for kind, on in is_on.items() if on)}
        if len(kinds) * len(weights) == len(slots):
            fitting.append(kinds)
    averages = _are_averages(slots[: len(weights)], weights)
    fitting = [
        kinds for kinds in fitting if averages is not None and averages == (_AVERAGE in kinds)
    ]
    return fitting[0] if len(fitting) == 1 else None


def _may_be_trained(tensor: Tensor) -> bool:
    return tensor.name.rpartition("/")[2] not in ("moving_mean", "moving_variance")


def _are_averages(first: Sequence[Tensor], weights: Sequence[Tensor]) -> bool | None:
    """Return whether arrays are close to weights of their shapes; ``None`` if it is not clear."""
    ratios = []
    for tensor in first:
        value = tensor.fetch().astype(np.float64)
        norms = [
            float(np.linalg.norm(value - held) / size)
            for held in (w.fetch().astype(np.float64) for w in weights if w.shape == tensor.shape)
            if (size := float(np.linalg.norm(held)))
        ]
        ratios += [min(norms)] if norms else []
    middle = float(np.median(ratios)) if ratios else _CLOSE
    if middle < _CLOSE:
        return True
    return False if middle > _APART else None


def optimizer_from_config(given: object) -> Healed | None:
    """Return the optimizer of a donor's ``training_config``, as Keras 3 serializes it.

    Parameters
    ----------
    given
        The value of ``optimizer_config`` or ``optimizer``: class and settings.
    """
    if not isinstance(given, dict) or not isinstance(given.get("config"), dict):
        return None
    key = str(given.get("class_name", "")).rpartition(">")[2].lower()
    if key not in _CLASSES:
        return None
    class_name, settings = _CLASSES[key]
    own = {**given["config"]}
    if not isinstance(own.get("learning_rate"), int | float | dict):
        return None
    allowed = {"name", "learning_rate", *_COMMON, *settings}
    plain = {setting: value for setting, value in own.items() if setting in allowed}
    return Healed(config=_serialized(class_name, plain), known=tuple(plain))


def _serialized(class_name: str, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        "module": "keras.optimizers",
        "class_name": class_name,
        "config": dict(settings),
        "registered_name": None,
    }


def _rate(store: TensorStore) -> float | None:
    for tensor in store:
        is_rate = tensor.purpose is Purpose.HYPERPARAMETER and tensor.shape == ()
        if is_rate and tensor.name.rpartition("/")[2] == "learning_rate" and tensor.is_whole:
            return float(tensor.fetch())
    return None
