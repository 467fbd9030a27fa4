"""The variables of the models in keras.applications, asked of Keras itself.

Knows no old file. Builds the model without weights (Keras 3.15.1; the path, shape, owner and
trainable flag of each variable are facts of the library) and returns rows in the order of
``model.weights``.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One variable: ``layer`` and ``leaf`` are the two halves of its path."""

    layer: str
    leaf: str
    shape: tuple[int, ...]
    layer_class: str
    trainable: bool

    @property
    def path(self) -> str:
        """Return the path that Keras gives the variable."""
        return f"{self.layer}/{self.leaf}"


def variables(name: str, **options: Any) -> tuple[Variable, ...]:  # noqa: ANN401 - Keras' options
    """Return the variables of ``keras.applications.NAME(weights=None, **options)``.

    A name with a dot is looked up under ``keras.src``: what Keras has but does not export.
    """
    import keras  # noqa: PLC0415 - slow to import

    keras.utils.clear_session()
    home = keras.src if "." in name else keras.applications  # type: ignore[attr-defined]
    model = attrgetter(name)(home)(weights=None, **options)
    return tuple(
        Variable(
            layer=variable.path.rpartition("/")[0],
            leaf=variable.path.rpartition("/")[2],
            shape=tuple(variable.shape),
            layer_class=type(layer).__name__,
            trainable=bool(variable.trainable),
        )
        for layer in model.layers
        for variable in layer.weights
    )
