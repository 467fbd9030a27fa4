"""The writers, by the name that ``--to`` takes.

Writers of tensors take nothing but values. Writers of Keras files take an architecture and a host
as well, as does the SavedModel's (:mod:`tfrepair.writers.savedmodel`), which is not among them.
"""

from tfrepair.core.errors import UsageError
from tfrepair.writers.checkpoint import CheckpointWriter
from tfrepair.writers.keras_file import KerasWriter, keras_archive, keras_weights
from tfrepair.writers.names import SAVED_MODEL
from tfrepair.writers.npz import NpzWriter
from tfrepair.writers.safetensors import SafetensorsWriter
from tfrepair.writers.staging import SAVED_MODEL as SAVED_MODEL_KIND
from tfrepair.writers.staging import Kind
from tfrepair.writers.values import TensorWriter

WRITERS: tuple[TensorWriter, ...] = (CheckpointWriter(), NpzWriter(), SafetensorsWriter())
"""In the order in which help lists them: TensorFlow's own format first."""


KERAS_WRITERS: tuple[KerasWriter, ...] = (keras_archive(), keras_weights())
"""The file that carries its configuration first."""


def kind_named(name: str) -> Kind:
    """Return what an output of a format is.

    Raises
    ------
    UsageError
        For a name that is no format.
    """
    if name == SAVED_MODEL:
        return SAVED_MODEL_KIND
    keras = keras_writer_named(name)
    return writer_named(name).kind if keras is None else keras.kind


def keras_writer_named(name: str) -> KerasWriter | None:
    """Return the writer of a Keras file; ``None`` for every other name."""
    return next((writer for writer in KERAS_WRITERS if writer.name == name), None)


def writer_named(name: str) -> TensorWriter:
    """Return the writer of a format that holds tensors.

    Raises
    ------
    UsageError
        For a name that is not in :data:`WRITERS`.
    """
    for writer in WRITERS:
        if writer.name == name:
            return writer
    known = ", ".join([SAVED_MODEL, *(w.name for w in KERAS_WRITERS), *(w.name for w in WRITERS)])
    message = f"--to {name}: there is no such format"
    raise UsageError(message, remedy=f"one of: {known}")
