"""What the slots of each family average, so that data can give them a value. Tables only.

Source: the update rules in :mod:`tfrepair.planning.dialects.optimizers`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tfrepair.core.calibration import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a slot averages.

    Attributes
    ----------
    role
        See :class:`~tfrepair.core.calibration.Role`.
    decay
        Hyperparameter with the decay of the average; empty if there is none.
    default
        What Keras takes for it.
    corrected
        True if the update divides by ``1 - decay**t``.
    """

    role: Role
    decay: str = ""
    default: float = 0.0
    corrected: bool = False


_FIRST = Meaning(role=Role.FIRST, decay="beta_1", default=0.9, corrected=True)
_SECOND = Meaning(role=Role.SECOND, decay="beta_2", default=0.999, corrected=True)
_PEAK = Meaning(role=Role.PEAK, decay="beta_2", default=0.999, corrected=True)
_SQUARES = Meaning(role=Role.SECOND, decay="rho", default=0.9)
_SUM = Meaning(role=Role.SUM)
_LEFT = Meaning(role=Role.REHEARSED)
_PAIR = {"m": _FIRST, "v": _SECOND}

MEANINGS: Mapping[str, Mapping[str, Meaning]] = MappingProxyType(
    {
        "sgd": {"momentum": Meaning(role=Role.FIRST, decay="momentum", default=0.9)},
        "adam": {**_PAIR, "vhat": _PEAK},
        "adamw": {**_PAIR, "vhat": _PEAK},
        "nadam": _PAIR,
        "lamb": _PAIR,
        "adamweightdecay": {
            "m": Meaning(role=Role.FIRST, decay="beta_1", default=0.9),
            "v": Meaning(role=Role.SECOND, decay="beta_2", default=0.999),
        },
        "adamax": {"m": _FIRST, "u": Meaning(role=Role.LARGEST, decay="beta_2", default=0.999)},
        "rmsprop": {
            "rms": _SQUARES,
            "momentum": _LEFT,
            "mg": Meaning(role=Role.FIRST, decay="rho", default=0.9),
        },
        "adagrad": {"accumulator": _SUM},
        "proximaladagrad": {"accumulator": _SUM},
        "adadelta": {
            "gradients": Meaning(role=Role.SECOND, decay="rho", default=0.95),
            "deltas": _LEFT,
        },
        "ftrl": {"accumulator": _SUM},
        "lion": {"m": Meaning(role=Role.FIRST, decay="beta_2", default=0.99)},
        "adafactor": {"r": _LEFT, "c": _LEFT, "v": _LEFT},
        "muon": {"m": _LEFT, "v": _LEFT},
    }
)
"""By family and kind; what is not here cannot be estimated from gradients."""
