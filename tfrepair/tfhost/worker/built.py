"""A built model, as the stages of the worker hand it to one another."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tfrepair.core.architecture import TensorSpec, VariableKind, VariablePath
from tfrepair.core.findings import Finding

KERAS_3, KERAS_2, MODULE = "keras3", "keras2", "module"
"""What a model was made with; the values of ``Architecture.framework``."""


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
class Endpoint:
    """Something that a signature can call.

    Attributes
    ----------
    call
        Takes the positional arguments; never trains.
    args
        ``tf.TensorSpec`` structures, one for each positional argument.
    names
        Names of the flattened arguments, in the order of ``tf.nest.flatten(args)``.
    """

    call: Callable[..., Any]
    args: tuple[Any, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A traced forward pass: the concrete function, and its outputs under flat names."""

    function: Any
    outputs: tuple[TensorSpec, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """The second argument of a training step: a structure of ``tf.TensorSpec``, or ``None``."""

    specs: Any


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
    serve
        What ``serving_default`` calls; ``None`` for a module that offers nothing unambiguous.
    trace
        ``serve`` as traced with the initial values; ``None`` without ``serve``.
    endpoints
        Further signatures of a ``tf.Module``, by name.
    sample
        Arguments that the user gave as an example, as arrays, or ``None``.
    optimizer
        The compiled optimizer, or ``None``.
    optimizer_origin
        As in :class:`~tfrepair.core.architecture.Architecture`.
    labels
        What a training step takes beside the inputs; ``None`` if none can be traced.
    is_live
        True for a model handed over in memory.
    text, folder
        The source's text, and the folder whose traceback lines are the user's own.
    findings
        What building brought to light.
    """

    model: Any
    framework: str
    keras: Any = None
    serve: Endpoint | None = None
    trace: Trace | None = None
    endpoints: Mapping[str, Endpoint] = field(default_factory=dict)
    sample: tuple[Any, ...] | None = None
    optimizer: Any = None
    optimizer_origin: str = ""
    labels: Labels | None = None
    is_live: bool = False
    text: str = ""
    folder: Path = field(default_factory=Path.cwd)
    findings: tuple[Finding, ...] = ()

    @property
    def name(self) -> str:
        """The model's own name; the class's for a module that never got one."""
        return str(getattr(self.model, "name", "") or type(self.model).__name__.lower())
