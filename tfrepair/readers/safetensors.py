"""Reader of safetensors files: named arrays without code, mapped when they are fetched."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfrepair.core.dtypes import numpy_dtype
from tfrepair.core.errors import OverLimit, Truncated
from tfrepair.core.tensor import (
    Array,
    Health,
    Limits,
    Origin,
    SourceName,
    Tensor,
    TensorStore,
)
from tfrepair.readers.base import Candidate, system_errors
from tfrepair.wire.safetensors import LENGTH_BYTES, MAX_HEADER_BYTES, Place, parse_header


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetensorsReader:
    """A safetensors file."""

    name: str = "safetensors"
    description: str = "safetensors file"

    def recognizes(self, candidate: Candidate) -> bool:
        """Return whether the file begins as a header of plausible length does."""
        length = int.from_bytes(candidate.head[:LENGTH_BYTES], "little")
        begins = candidate.head[LENGTH_BYTES : LENGTH_BYTES + 1] == b"{"
        return begins and 2 <= length <= MAX_HEADER_BYTES

    def open(self, path: Path, *, limits: Limits) -> TensorStore:
        """Read the header.

        Raises
        ------
        SourceError
            If the header is cut, contradicts itself, or announces more than the limits allow.
        """
        with system_errors(path), path.open("rb") as file:
            size = path.stat().st_size
            length = int.from_bytes(file.read(LENGTH_BYTES), "little")
            if not 0 < length <= min(MAX_HEADER_BYTES, size - LENGTH_BYTES):
                message = f"{path}: the header has {length} bytes, the file {size} in all"
                raise Truncated(message, remedy="find a copy that was transferred completely")
            text = file.read(length)
        start = LENGTH_BYTES + length
        places = parse_header(text, size - start, str(path))
        if len(places) > limits.max_tensors:
            message = f"{path}: {len(places)} tensors, the limit is {limits.max_tensors}"
            raise OverLimit(message)
        tensors = tuple(_tensor(place, path, start, size) for place in places)
        return TensorStore(
            format=self.name,
            path=str(path),
            files=(str(path),),
            tensors=tensors,
            names_are_meaningful=True,
            order_is_meaningful=False,
        )


def _tensor(place: Place, path: Path, start: int, size: int) -> Tensor:
    offset = start + place.offset
    there = max(0, min(place.nbytes, size - offset))
    is_cut = there < place.nbytes
    rows = place.shape[0] if place.shape else 1
    whole_rows = there * rows // place.nbytes if is_cut else rows
    return Tensor(
        name=SourceName(place.name),
        shape=place.shape,
        dtype=place.dtype,
        nbytes=place.nbytes,
        origin=Origin(path=str(path), key=place.name, offset=offset),
        fetch=_fetch(place, path, offset, there),
        health=Health.TRUNCATED if is_cut else Health.UNVERIFIED,
        health_note=f"{whole_rows} of {rows} rows are in the file" if is_cut else "",
    )


def _fetch(place: Place, path: Path, offset: int, there: int) -> Callable[[], Array]:
    dtype = numpy_dtype(place.dtype)

    def fetch() -> Array:
        if there < place.nbytes:
            message = (
                f"{path}: {place.name} needs {place.nbytes} bytes at {offset}, {there} are there"
            )
            raise Truncated(message, remedy="find a copy that was transferred completely")
        if place.nbytes == 0:
            return np.zeros(place.shape, dtype)
        with system_errors(path):
            stored = np.memmap(path, dtype.newbyteorder("<"), "r", offset, place.shape)
        array: Array = stored.view(np.ndarray)
        return array.astype(dtype, copy=False)

    return fetch
