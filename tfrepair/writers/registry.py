"""The writers of tensors, by the name that ``--to`` takes.

The SavedModel is not among them: it takes an architecture and a host
(:mod:`tfrepair.writers.savedmodel`), these take nothing but values.
"""

from tfrepair.core.errors import UsageError
from tfrepair.writers.checkpoint import CheckpointWriter
from tfrepair.writers.names import SAVED_MODEL
from tfrepair.writers.npz import NpzWriter
from tfrepair.writers.safetensors import SafetensorsWriter
from tfrepair.writers.values import TensorWriter

WRITERS: tuple[TensorWriter, ...] = (CheckpointWriter(), NpzWriter(), SafetensorsWriter())
"""In the order in which help lists them: TensorFlow's own format first."""


def writer_named(name: str) -> TensorWriter:
    """Return the writer of a format.

    Raises
    ------
    UsageError
        For a name that is not in :data:`WRITERS`.
    """
    for writer in WRITERS:
        if writer.name == name:
            return writer
    known = ", ".join([SAVED_MODEL, *(writer.name for writer in WRITERS)])
    message = f"--to {name}: there is no such format"
    raise UsageError(message, remedy=f"one of: {known}")
