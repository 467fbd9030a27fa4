"""A built model, as the stages of the worker hand it to one another."""

from dataclasses import dataclass, field
from typing import Any

from tfrepair.core.architecture import TensorSpec, VariableKind, VariablePath


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedVariable:
    """One raw ``tf.Variable`` under the name that every other part of the project uses.

    Attributes
    ----------
    path
        Unique readable path, equal to the path in the described architecture.
    variable
        The raw ``tf.Variable`` (never the Keras 3 wrapper).
    kind
        What it is there for.
    of, slot
        For optimizer slots: path of the weight and name of the slot.
    """

    path: VariablePath
    variable: Any
    kind: VariableKind
    of: str = ""
    slot: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A model whose variables all exist.

    Attributes
    ----------
    model
        ``keras.Model``, ``tf_keras.Model`` or ``tf.Module``.
    framework
        ``"keras3"``, ``"keras2"`` or ``"module"``, as in the architecture.
    keras
        The Keras module that the model belongs to; ``None`` for a ``tf.Module``.
    inputs
        What the model's first call argument looks like: one ``tf.TensorSpec``, or a list, tuple
        or dict of them, free axes ``None``. ``None`` for a module with signatures only.
    input_specs
        The same, flat, under the names that ``serving_default`` uses.
    sample
        The sample input that the user gave, or ``None``.
    optimizer
        The compiled optimizer, or ``None``.
    has_loss
        True when a training step can be asked for.
    is_live
        True for a model handed over in memory.
    """

    model: Any
    framework: str
    keras: Any = None
    inputs: Any = None
    input_specs: tuple[TensorSpec, ...] = ()
    sample: Any = None
    optimizer: Any = None
    has_loss: bool = False
    is_live: bool = False
    notes: tuple[str, ...] = field(default=())
