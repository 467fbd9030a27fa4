"""The checkpoint writer: a directory with one tensor bundle and the file that points to it.

The bytes are those that TensorFlow's own Saver writes for the same tensors: sorted by name, or in
the given order where the tensors carry an object graph, which stands for the order of its nodes.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tfrepair.core.errors import WriteError
from tfrepair.wire.bundle import OBJECT_GRAPH_KEY, BundleEntry
from tfrepair.wire.bundle_writer import Item, write_data, write_index
from tfrepair.wire.element_types import NAMES
from tfrepair.writers.staging import Kind
from tfrepair.writers.values import NamedValue, Step

PREFIX = "model.ckpt"
"""Name of the checkpoint in its directory."""


def _is_checkpoint(path: Path) -> bool:
    return (path / f"{PREFIX}.index").is_file()


_KIND = Kind(name="checkpoint directory", is_directory=True, recognizes=_is_checkpoint)
_NUMBERS = {name: number for number, name in reversed(tuple(NAMES.items()))} | {"object": 7}


@dataclass(frozen=True, slots=True)
class CheckpointWriter:
    """Writes TensorFlow checkpoints (Saver V2, ``tf.train.Checkpoint``)."""

    name: str = "checkpoint"
    description: str = "TensorFlow checkpoint: a directory with model.ckpt.index and its data"
    kind: Kind = _KIND

    def write(self, values: Sequence[NamedValue], out: Path, step: Step) -> None:
        """Write the checkpoint.

        Raises
        ------
        WriteError
            For element types that TensorFlow does not have.
        """
        unknown = [f"{v.name} ({v.dtype})" for v in values if v.dtype not in _NUMBERS]
        if unknown:
            message = f"{out.name}: a checkpoint does not hold: {', '.join(unknown[:5])}"
            raise WriteError(message, remedy="cast them, or leave them out")
        out.mkdir()
        ordered = list(values)
        if not any(value.name == OBJECT_GRAPH_KEY for value in values):
            ordered.sort(key=lambda value: value.name.encode())
        with (out / f"{PREFIX}.data-00000-of-00001").open("xb") as data:
            entries = _write_data(ordered, data.write, step)
        with (out / f"{PREFIX}.index").open("xb") as index:
            write_index(entries, index.write)
        state = f'model_checkpoint_path: "{PREFIX}"\nall_model_checkpoint_paths: "{PREFIX}"\n'
        (out / "checkpoint").write_text(state, encoding="utf-8")


def _write_data(
    values: Sequence[NamedValue], sink: Callable[..., object], step: Step
) -> dict[bytes, BundleEntry]:
    def items() -> Iterator[Item]:
        for place, value in enumerate(values):
            yield Item(name=value.name, dtype=_NUMBERS[value.dtype], array=value.fetch())
            step(place + 1, len(values))

    return write_data(items(), sink)
