"""The safetensors writer; the layout is that of :mod:`tfrepair.wire.safetensors`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfrepair.core.dtypes import numpy_dtype
from tfrepair.core.errors import WriteError
from tfrepair.wire.safetensors import (
    LENGTH_BYTES,
    MAX_HEADER_BYTES,
    METADATA,
    TYPES,
    Place,
    encode_header,
)
from tfrepair.writers.staging import Kind
from tfrepair.writers.values import NamedValue, Step


def _is_safetensors(path: Path) -> bool:
    with path.open("rb") as file:
        size = int.from_bytes(file.read(LENGTH_BYTES), "little")
        return 0 < size <= MAX_HEADER_BYTES and file.read(1) == b"{"


_KIND = Kind(name="safetensors file", is_directory=False, recognizes=_is_safetensors)


@dataclass(frozen=True, slots=True)
class SafetensorsWriter:
    """Writes safetensors files."""

    name: str = "safetensors"
    description: str = "safetensors file"
    kind: Kind = _KIND

    def write(self, values: Sequence[NamedValue], out: Path, step: Step) -> None:
        """Write the file.

        Raises
        ------
        WriteError
            For element types that the format does not name, and for its reserved name.
        """
        # Larger elements come first, so that all are aligned.
        ranked = sorted(values, key=lambda value: (-_itemsize(value, out), value.name))
        with out.open("xb") as file:
            file.write(encode_header(_places(ranked, out)))
            for place, value in enumerate(ranked):
                array = np.ascontiguousarray(value.fetch())
                little = array.astype(array.dtype.newbyteorder("<"), copy=False)
                file.write(little.reshape(-1).view(np.uint8).data if little.size else b"")
                step(place + 1, len(ranked))


def _itemsize(value: NamedValue, out: Path) -> int:
    if value.dtype not in TYPES.values() or value.name == METADATA:
        message = f"{out.name}: safetensors does not hold {value.name} of type {value.dtype}"
        raise WriteError(message, remedy="write a checkpoint: --to checkpoint")
    return numpy_dtype(value.dtype).itemsize


def _places(values: Sequence[NamedValue], out: Path) -> tuple[Place, ...]:
    places = []
    offset = 0
    for value in values:
        nbytes = math.prod(value.shape) * _itemsize(value, out)
        places.append(
            Place(
                name=value.name,
                shape=value.shape,
                dtype=value.dtype,
                offset=offset,
                nbytes=nbytes,
            )
        )
        offset += nbytes
    return tuple(places)
