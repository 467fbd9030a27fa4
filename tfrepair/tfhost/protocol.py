"""What can be asked of the process that runs TensorFlow, as data.

Every request is a frozen dataclass with JSON both ways; answers are the core nouns
(:class:`~tfrepair.core.architecture.Architecture`, :class:`~tfrepair.core.receipt.Receipt`).
Arrays never travel inside a message: they lie in files named by the request. The client
(:mod:`tfrepair.tfhost.client`) and the in-process host carry the same requests.
"""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from tfrepair.core.architecture import Architecture
from tfrepair.core.calibration import SlotTask
from tfrepair.core.optimizer_plan import Rebuilt
from tfrepair.core.receipt import Receipt
from tfrepair.tfhost.training_requests import DataRequest, Losses, TrainRequest

CONFIG = "config"
"""Kind of a request whose architecture is a Keras configuration."""
CUSTOM = "custom>"
"""Before the names of custom objects in such a configuration: no class of Keras can be meant."""
OLD_HARD_SIGMOID = "keras_2_hard_sigmoid"
"""``clip(0.2 * x + 0.5, 0, 1)``, which ``hard_sigmoid`` meant before Keras 3; made by the host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchRequest:
    """Build and describe an architecture.

    Attributes
    ----------
    kind
        ``"file"`` (a Python file), ``"module"`` (an importable name), ``"config"`` (a Keras
        config), ``"meta"`` (the ``.meta`` file of a TensorFlow 1 checkpoint).
    location
        Path of the file, or the module's dotted name.
    factory
        Function or variable to take; empty to look for the usual names.
    keras
        ``3``, or ``2`` for tf_keras.
    input_shapes
        ``(name, shape)`` pairs for a model that is not built; the name is empty for a single
        input; ``-1`` stands for a free axis. Shapes include the batch axis.
    optimizer
        Optimizer to compile with if the model has none: a name (``"adam"``), or a JSON object
        as ``keras.optimizers.serialize`` gives it.
    fallback_optimizer
        Optimizer to compile with if the model has none and none is asked for: a JSON object; with
        ``"legacy": true`` a class of ``tf_keras.optimizers.legacy``. A ``"config"`` is compiled
        with it in the place of its own.
    optimizer_settings
        Hyperparameters to change in the optimizer, as names and JSON texts.
    loss, metrics
        Loss and metric names to compile with if the model has none.
    inputs, outputs
        For a ``"meta"`` graph: names of the tensors to serve, as ``scope/name``, ``name:1`` or
        ``as=name:1``; empty to find out.
    constants
        For a ``"meta"`` graph: placeholders and their values when serving, such as
        ``("is_training", "false")``.
    train_op
        For a ``"meta"`` graph: the operation that trains; empty to find out.
    config, training
        For a ``"config"``: the model and what it is compiled with, as JSON texts of
        :mod:`tfrepair.architecture.keras_config.preparing`.
    custom_objects
        Path of a Python file that defines what a ``"config"`` wants and Keras has not; it is run.
    wanted
        Names that it has to define, each with the layer that wants it.
    max_parameters
        Most elements that the variables of a ``"config"`` may have; 0 for no limit.
    """

    kind: str
    location: str
    factory: str = ""
    keras: int = 3
    input_shapes: tuple[tuple[str, tuple[int, ...]], ...] = ()
    optimizer: str = ""
    fallback_optimizer: str = ""
    optimizer_settings: tuple[tuple[str, str], ...] = ()
    loss: str = ""
    metrics: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    constants: tuple[tuple[str, str], ...] = ()
    train_op: str = ""
    config: str = ""
    training: str = ""
    custom_objects: str = ""
    wanted: tuple[tuple[str, str], ...] = ()
    max_parameters: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the request as plain JSON data."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "ArchRequest":
        """Build a request from :meth:`to_json` data."""
        fields = dict(data)
        fields["input_shapes"] = tuple(
            (name, tuple(shape)) for name, shape in fields["input_shapes"]
        )
        for name in ("metrics", "inputs", "outputs"):
            fields[name] = tuple(fields[name])
        for name in ("constants", "wanted", "optimizer_settings"):
            fields[name] = tuple((key, value) for key, value in fields[name])
        return cls(**fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueFile:
    """The value of one variable, as raw little-endian C-order bytes in a file of its own."""

    path: str
    file: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest:
    """Fill the architecture described last and export it.

    Attributes
    ----------
    directory
        Directory to create; must not exist.
    values
        Variables to assign before tracing; the others keep what the architecture gave them.
    keep_state
        For a live model: keep optimizer, seeds, metrics as they are instead of resetting them.
    probe
        File to write the probe's inputs and outputs to.
    schedule_offset
        Added to the optimizer's step wherever a learning rate schedule reads it.
    """

    directory: str
    values: tuple[ValueFile, ...]
    keep_state: bool
    probe: str
    schedule_offset: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the request as plain JSON data."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "ExportRequest":
        """Build a request from :meth:`to_json` data."""
        return cls(**{**data, "values": _values(data["values"])})


def _values(entries: Iterable[Mapping[str, Any]]) -> tuple[ValueFile, ...]:
    return tuple(ValueFile(**{**entry, "shape": tuple(entry["shape"])}) for entry in entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveRequest:
    """Fill the architecture described last, and let its Keras write a file of its own format.

    Attributes
    ----------
    file
        File to create; ends in ``.keras`` or ``.weights.h5``.
    values, keep_state
        As for :class:`ExportRequest`.
    note
        JSON text that the file is to carry.
    layout_only
        Whether only the layout of the file counts: then it is written as Keras writes it, with no
        note and nothing read back, and may end in ``.h5`` as well.
    """

    file: str
    values: tuple[ValueFile, ...]
    keep_state: bool
    note: str
    layout_only: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the request as plain JSON data."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "SaveRequest":
        """Build a request from :meth:`to_json` data."""
        return cls(**{**data, "values": _values(data["values"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrateRequest:
    """Estimate slots of the optimizer that was described last; everything else stays as it is.

    Attributes
    ----------
    values
        Weights and the slots that are known.
    tasks
        Every slot of the optimizer, lost or known.
    data
        What to train on.
    folder
        Where the values of slots are written, as raw files.
    counter
        Path of the optimizer's step count; empty if it has none.
    steps
        Updates that the training has made, or ``None``.
    follows
        Variables that follow from others of the optimizer.
    """

    values: tuple[ValueFile, ...]
    tasks: tuple[SlotTask, ...]
    data: DataRequest
    folder: str
    counter: str = ""
    steps: int | None = None
    follows: tuple[Rebuilt, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the request as plain JSON data."""
        return {
            "values": [dataclasses.asdict(value) for value in self.values],
            "tasks": [task.to_json() for task in self.tasks],
            "data": self.data.to_json(),
            "folder": self.folder,
            "counter": self.counter,
            "steps": self.steps,
            "follows": [entry.to_json() for entry in self.follows],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "CalibrateRequest":
        """Build a request from :meth:`to_json` data."""
        return cls(
            values=_values(data["values"]),
            tasks=tuple(SlotTask.from_json(entry) for entry in data["tasks"]),
            data=DataRequest.from_json(data["data"]),
            folder=data["folder"],
            counter=data["counter"],
            steps=data["steps"],
            follows=tuple(Rebuilt.from_json(entry) for entry in data["follows"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    """What came of a calibration.

    Attributes
    ----------
    values
        Estimated slots, and known ones whose scale goes with the step count.
    frozen, rehearsed
        Batches that were used at frozen weights, and with updates.
    by_ratio
        See :class:`~tfrepair.core.calibration.Recipe`.
    counter
        What the step count is to be, ``None`` to keep it.
    note
        What should be known about the data; empty if nothing.
    """

    values: tuple[ValueFile, ...]
    frozen: int
    rehearsed: int
    by_ratio: bool
    counter: int | None
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the answer as plain JSON data."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Calibrated":
        """Build an answer from :meth:`to_json` data."""
        return cls(**{**data, "values": _values(data["values"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardRequest:
    """Load a SavedModel without any model code and run one signature.

    Attributes
    ----------
    saved_model, signature
        Directory and signature name.
    inputs
        ``.npz`` whose members ``in/<name>`` are the signature's inputs.
    outputs
        ``.npz`` to write, members ``out/<name>``.
    """

    saved_model: str
    signature: str
    inputs: str
    outputs: str

    def to_json(self) -> dict[str, Any]:
        """Return the request as plain JSON data."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "ForwardRequest":
        """Build a request from :meth:`to_json` data."""
        return cls(**data)


class Host(Protocol):
    """Something that runs TensorFlow for us; a context manager.

    Raises
    ------
    ArchitectureError
        The user's code failed, or describes nothing that can be exported.
    HostError
        The process itself failed.
    """

    def describe(self, request: ArchRequest) -> Architecture:
        """Build the architecture and describe it."""

    def export(self, request: ExportRequest) -> Receipt:
        """Fill the architecture that was described last, and export it."""

    def save_keras(self, request: SaveRequest) -> Receipt:
        """Fill the Keras model that was described last, and save it as Keras does."""

    def forward(self, request: ForwardRequest) -> None:
        """Run a signature of a SavedModel in this host."""

    def calibrate(self, request: CalibrateRequest) -> Calibrated:
        """Estimate slots of the optimizer that was described last."""

    def train(self, request: TrainRequest) -> Losses:
        """Train a SavedModel in memory."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
