"""What repairs of both checkpoint formats share: the directory that they write, and its check."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from tfrepair.api.repairs.job import Action, Part
from tfrepair.core.tensor import Health, TensorStore
from tfrepair.readers.saves import STATE_NAME, Save
from tfrepair.writers.staging import Kind


def _is_checkpoint(path: Path) -> bool:
    return path.is_dir() and ((path / STATE_NAME).is_file() or any(path.glob("*.index")))


CHECKPOINT = Kind(name="checkpoint directory", is_directory=True, recognizes=_is_checkpoint)
"""A directory with one save and the state file that names it."""


def copy_beside(save: Save, out: Path) -> None:
    """Copy the graph of a checkpoint, and write a state file that names the save."""
    name = save.prefix.name
    graph = save.prefix.with_name(f"{name}.meta")
    if graph.is_file():
        shutil.copyfile(graph, out / graph.name)
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    lines = f'model_checkpoint_path: "{escaped}"\nall_model_checkpoint_paths: "{escaped}"\n'
    (out / STATE_NAME).write_text(lines, encoding="utf-8")


def unequal(store: TensorStore, parts: Mapping[str, Part]) -> tuple[str, ...]:
    """Hold every tensor of an output against its checksum; returns what is not as it was meant.

    Parameters
    ----------
    store
        The output, opened again.
    parts
        What it should have, by key.
    """
    return tuple(_unequal(store, parts))


def _unequal(store: TensorStore, parts: Mapping[str, Part]) -> Iterator[str]:
    known = {tensor.origin.key: tensor for tensor in store}
    for key, part in parts.items():
        if part.action is Action.LOST:
            continue
        tensor = known.get(key)
        if tensor is None:
            yield f"{part.name} is not in the output"
            continue
        checked = tensor.checked()
        # A type that we do not know has bytes and no values: nothing to hold the checksum against.
        expected = (Health.VERIFIED, Health.UNVERIFIED) if part.note else (Health.VERIFIED,)
        if checked.health not in expected:
            yield f"{part.name} is {checked.health.value} in the output: {checked.health_note}"
