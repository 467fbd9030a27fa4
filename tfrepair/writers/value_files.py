"""Values on their way to the host: each in a file of its own, the largest one alone in memory."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tfrepair.core.state import State, StateEntry
from tfrepair.tfhost.protocol import ValueFile

Step = Callable[[int, int], None]
"""Called with the number of finished values and of all values."""


def value_files(state: State, stage: Path, step: Step) -> tuple[ValueFile, ...]:
    """Write every value that a state has into a folder ``values`` of a stage.

    Parameters
    ----------
    state
        Values; variables without one keep what the architecture gives them.
    stage
        Directory to work in.
    step
        Told about progress.
    """
    values = stage / "values"
    values.mkdir()
    filled = state.filled
    files = []
    for place, entry in enumerate(filled):
        files.append(_spill(entry, values / f"{place}.bin"))
        step(place + 1, len(filled))
    return tuple(files)


def _spill(entry: StateEntry, path: Path) -> ValueFile:
    if entry.fetch is None:
        message = f"{entry.path} has no value of its own"
        raise ValueError(message)
    value = np.ascontiguousarray(entry.fetch())
    with path.open("wb") as file:
        file.write(value.view(np.uint8).data if value.ndim and value.size else value.tobytes())
    return ValueFile(path=entry.path, file=str(path), dtype=entry.dtype, shape=entry.shape)
