"""The safetensors writer: a JSON header with places, then the bytes of every tensor.

Layout: ``u64`` length of the header, little endian; the header, padded with spaces to a multiple
of eight; the data without gaps, in the order of their places. Source: the format's description in
the repository huggingface/safetensors, ``README.md``; the tests read the files with its package.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfrepair.core.dtypes import numpy_dtype
from tfrepair.core.errors import WriteError
from tfrepair.writers.staging import Kind
from tfrepair.writers.values import NamedValue, Step

_TYPES = {
    "bool": "BOOL",
    "uint8": "U8",
    "int8": "I8",
    "int16": "I16",
    "uint16": "U16",
    "int32": "I32",
    "uint32": "U32",
    "int64": "I64",
    "uint64": "U64",
    "float16": "F16",
    "bfloat16": "BF16",
    "float32": "F32",
    "float64": "F64",
    "complex64": "C64",
    "float8_e5m2": "F8_E5M2",
    "float8_e4m3fn": "F8_E4M3",
}
_ALIGNMENT = 8
_HEADER_BYTES = 100 << 20


def _is_safetensors(path: Path) -> bool:
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        return 0 < size <= _HEADER_BYTES and file.read(1) == b"{"


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
        ranked = sorted(values, key=lambda value: (-_itemsize(value, out), value.name))
        header = _header(ranked, out)
        with out.open("xb") as file:
            file.write(len(header).to_bytes(8, "little"))
            file.write(header)
            for place, value in enumerate(ranked):
                array = np.ascontiguousarray(value.fetch())
                little = array.astype(array.dtype.newbyteorder("<"), copy=False)
                file.write(little.reshape(-1).view(np.uint8).data if little.size else b"")
                step(place + 1, len(ranked))


def _itemsize(value: NamedValue, out: Path) -> int:
    """Return the bytes of one element; larger elements come first, so that all are aligned."""
    if value.dtype not in _TYPES or value.name == "__metadata__":
        what = f"{value.name} is {value.dtype}"
        message = f"{out.name}: safetensors does not hold this tensor: {what}"
        raise WriteError(message, remedy="write a checkpoint: --to checkpoint")
    return numpy_dtype(value.dtype).itemsize


def _header(values: Sequence[NamedValue], out: Path) -> bytes:
    entries = {}
    offset = 0
    for value in values:
        size = math.prod(value.shape) * _itemsize(value, out)
        entries[value.name] = {
            "dtype": _TYPES[value.dtype],
            "shape": list(value.shape),
            "data_offsets": [offset, offset + size],
        }
        offset += size
    text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    return text + b" " * (-len(text) % _ALIGNMENT)
