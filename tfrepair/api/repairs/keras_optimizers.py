"""The configuration of an optimizer that a ``.keras`` has forgotten, from its variables.

Slots tell the class and which options were on, the second variable the learning rate; numbers
like ``beta_1`` are in no variable, and are those of Keras until a donor tells them. Pure.

Source: ``get_config`` of every optimizer of Keras 3.15.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tfrepair.core.tensor import Purpose, TensorStore

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
        return f"several kinds of {name} have as many variables of these shapes"
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
