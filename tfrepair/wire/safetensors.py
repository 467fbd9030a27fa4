"""Layout of safetensors files: a JSON header with places, then the bytes of every tensor.

``u64`` length of the header, little endian; the header; the data without gaps. Knows bytes, no
files and no policy. Source: the format's description in the repository huggingface/safetensors,
``README.md``; the tests read and write files with its own package.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from tfrepair.core.dtypes import numpy_dtype
from tfrepair.core.errors import Corrupt
from tfrepair.core.tensor import Shape

LENGTH_BYTES = 8
MAX_HEADER_BYTES = 100 << 20
"""The format's own limit."""
METADATA = "__metadata__"

TYPES: Mapping[str, str] = MappingProxyType(
    {
        "BOOL": "bool",
        "U8": "uint8",
        "I8": "int8",
        "I16": "int16",
        "U16": "uint16",
        "I32": "int32",
        "U32": "uint32",
        "I64": "int64",
        "U64": "uint64",
        "F16": "float16",
        "BF16": "bfloat16",
        "F32": "float32",
        "F64": "float64",
        "C64": "complex64",
        "F8_E5M2": "float8_e5m2",
        "F8_E4M3": "float8_e4m3fn",
    }
)
"""Element types of the format, and their names here."""

_MAX_RANK = 64
_MAX_BYTES = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One tensor: its name, shape and dtype, and its first byte and size within the data."""

    name: str
    shape: Shape
    dtype: str
    offset: int
    nbytes: int


def parse_header(text: bytes, data_bytes: int, where: str) -> tuple[Place, ...]:
    """Read a header.

    Parameters
    ----------
    text
        The header without its length.
    data_bytes
        Bytes that follow it in the file.
    where
        File, for messages.

    Returns
    -------
    The tensors in the order of their places. One that ends behind the file's end is among them.

    Raises
    ------
    Corrupt
        If the header is no JSON object of tensors, or a tensor's numbers contradict each other.
    """
    try:
        entries = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        message = f"{where}: the header is not JSON with unique names: {error}"
        raise Corrupt(message) from error
    if not isinstance(entries, dict):
        message = f"{where}: the header is a JSON {type(entries).__name__}, expected an object"
        raise Corrupt(message)
    places = [_place(name, entry, where) for name, entry in entries.items() if name != METADATA]
    places.sort(key=lambda place: (place.offset, place.offset + place.nbytes, place.name))
    end = 0
    for place in places:
        if place.offset != end:
            message = (
                f"{where}: {place.name} begins at byte {place.offset} of the data, expected {end}"
            )
            raise Corrupt(message, remedy="tensors overlap or leave a gap: find another copy")
        end = place.offset + place.nbytes
    if end < data_bytes:
        message = f"{where}: the tensors end at byte {end} of the data, the file at {data_bytes}"
        raise Corrupt(message, remedy="bytes that no tensor claims: find another copy")
    return tuple(places)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        message = "a name occurs twice"
        raise ValueError(message)
    return found


def _place(name: str, entry: Any, where: str) -> Place:  # noqa: ANN401 - JSON
    try:
        dtype = TYPES[entry["dtype"]]
        shape = tuple(_size(size) for size in entry["shape"])
        begin, end = (_size(offset) for offset in entry["data_offsets"])
    except (KeyError, TypeError, ValueError) as error:
        message = f"{where}: the header's entry for {name!r} cannot be read: {error!r}"
        raise Corrupt(message) from error
    nbytes = math.prod(shape) * numpy_dtype(dtype).itemsize
    if len(shape) > _MAX_RANK or nbytes > _MAX_BYTES or end - begin != nbytes:
        message = (
            f"{where}: {name} is {dtype} {shape[:8]}, hence {nbytes} bytes; "
            f"the header gives it {end - begin}"
        )
        raise Corrupt(message)
    return Place(name=name, shape=shape, dtype=dtype, offset=begin, nbytes=nbytes)


def _size(value: Any) -> int:  # noqa: ANN401 - JSON
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MAX_BYTES:
        message = f"{value!r} is no size"
        raise ValueError(message)
    return value


def encode_header(places: tuple[Place, ...]) -> bytes:
    """Write a header with its length in front, padded with spaces to a multiple of eight."""
    spelled = {name: letters for letters, name in TYPES.items()}
    entries = {
        place.name: {
            "dtype": spelled[place.dtype],
            "shape": list(place.shape),
            "data_offsets": [place.offset, place.offset + place.nbytes],
        }
        for place in places
    }
    text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % LENGTH_BYTES)
    return len(text).to_bytes(LENGTH_BYTES, "little") + text
