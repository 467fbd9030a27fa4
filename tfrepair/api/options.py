"""How to convert: the choices of the command line and of the Python API, with their defaults."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict

from tfrepair.writers.names import SAVED_MODEL

BARE_FORMATS = ("npy", "npz", "npy_folder", "pickle", "safetensors")
"""Readers of files that hold arrays and nothing else."""
KERAS_FORMATS = ("keras_h5", "keras_zip")
"""Readers of Keras' own files."""
CHECKPOINT_FORMATS = ("tensor_bundle", "saver_v1")
"""Readers of TensorFlow's own files."""

DEFAULT_BATCHES = 64
"""Batches of a calibration; more helps little."""

Progress = Callable[[str, int, int], None]
"""Told the stage's name, and how many of how many parts are done (``0, 0`` if unknown)."""


def silent(_stage: str, _done: int, _total: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to convert; the defaults are those of the command line.

    Attributes
    ----------
    reader
        Reader to use, ``None`` to find out by content.
    keras, input_shapes, optimizer, loss, metrics
        Go with the architecture; see :func:`tfrepair.architecture.request.arch_request`.
    custom_objects
        Python file that defines what a configuration names and Keras has not; it is run.
    learning_rate
        Learning rate of the training and of the output, where the source's is not known or not
        wanted.
    optimizer_options
        Hyperparameters to compile with: ``"beta_1=0.8"``.
    sample_input
        For a live model that is not built.
    graph_inputs, graph_outputs, feeds
        For a ``.meta`` graph as the architecture: what to feed, what to serve, and constants for
        placeholders (``"is_training=false"``).
    train_op
        For a ``.meta`` graph: the operation that trains, if the graph has several.
    order
        List order that the user vouches for.
    plan
        Path of an edited plan file.
    use_averages
        Take moving averages (EMA) in place of the weights that they belong to.
    donors
        Other saves of the same run, the best first: they give what the source has lost.
    calibration
        What estimates the slots of the optimizer that are lost: an ``.npz`` with ``x`` and ``y``,
        ``module:function`` that yields batches, or arrays (``(x, y)``, or by name).
    calibration_batches, calibration_batch_size
        How many batches are used, and how many examples of an ``.npz`` make one: as in the
        training.
    formats
        Formats that the source may have; none named, any.
    to
        Format to write: ``"saved-model"``, ``"keras"``, ``"keras-weights"``, or a writer of
        tensors (:data:`tfrepair.writers.registry.WRITERS`).
    allow_missing
        Write although weights have no source; they keep their initial values, or are left out of
        an output that holds tensors only.
    strict
        Refuse what rests on position alone, and every loss that is known before writing.
    overwrite, dry_run
        Replace an existing SavedModel; or write nothing.
    skeleton
        Folder of skeletons: a SavedModel is filled from one instead of being exported; made and
        kept there if it is not.
    agreed
        Tells whether a :class:`~tfrepair.core.plan.Plan` is one that was agreed to; any other is
        refused.
    progress
        Told about the stages.
    """

    reader: str | None = None
    keras: int | None = None
    custom_objects: str | Path | None = None
    input_shapes: tuple[str, ...] = ()
    optimizer: str = ""
    loss: str = ""
    metrics: tuple[str, ...] = ()
    learning_rate: float | None = None
    optimizer_options: tuple[str, ...] = ()
    sample_input: Any = None
    graph_inputs: tuple[str, ...] = ()
    graph_outputs: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()
    train_op: str = ""
    order: str = ""
    plan: str | Path | None = None
    use_averages: bool = False
    donors: tuple[str | Path, ...] = ()
    calibration: Any = None
    calibration_batches: int = DEFAULT_BATCHES
    calibration_batch_size: int = 32
    formats: tuple[str, ...] = ()
    to: str = SAVED_MODEL
    allow_missing: bool = False
    strict: bool = False
    overwrite: bool = False
    dry_run: bool = False
    skeleton: str | Path | None = None
    agreed: Callable[[Any], bool] | None = field(default=None, repr=False)
    progress: Progress = field(default=silent, repr=False)


class PlanKeywords(TypedDict, total=False):
    """Keywords of :func:`tfrepair.plan`: fields of :class:`Options`."""

    reader: str | None
    keras: int | None
    custom_objects: str | Path | None
    input_shapes: tuple[str, ...]
    optimizer: str
    loss: str
    metrics: tuple[str, ...]
    learning_rate: float | None
    optimizer_options: tuple[str, ...]
    sample_input: Any
    graph_inputs: tuple[str, ...]
    graph_outputs: tuple[str, ...]
    feeds: tuple[str, ...]
    train_op: str
    order: str
    plan: str | Path | None
    use_averages: bool
    donors: tuple[str | Path, ...]
    calibration: Any
    calibration_batches: int
    calibration_batch_size: int
    formats: tuple[str, ...]
    progress: Progress


class ConvertKeywords(PlanKeywords, total=False):
    """Keywords of :func:`tfrepair.convert`: the fields of :class:`Options`."""

    to: str
    allow_missing: bool
    strict: bool
    overwrite: bool
    dry_run: bool
    skeleton: str | Path | None
    agreed: Callable[[Any], bool] | None
