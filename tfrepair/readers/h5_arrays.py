"""Arrays of a damaged HDF5 file: how much of each is there, and how to read it.

Takes what a header (or the layout of another file) says and holds it against the bytes. Nothing is
allocated before the bytes are known to be there. Zeros where the file has a hole are not values.
Comes after :mod:`tfrepair.readers.h5_layout`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tfrepair.core.dtypes import numpy_dtype
from tfrepair.core.errors import Corrupt, OverLimit, SourceError, Truncated, Unsupported
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Array, Health, Limits
from tfrepair.readers.h5_bytes import H5Bytes
from tfrepair.readers.h5_tree import H5Dataset
from tfrepair.readers.h5_zeros import is_zero
from tfrepair.wire.hdf5_chunks import Chunk, find_chunks, unfiltered
from tfrepair.wire.hdf5_dataset import ElementType, StoredDataset

_REMEDY = "look for another copy of the file, or for a donor: --donor older.h5"
_LIMIT = "if you trust the file, read it with larger Limits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The file that arrays are read from.

    Attributes
    ----------
    source
        Its bytes.
    base
        Where the HDF5 part begins.
    end
        Where its content ends: a hole of zeros behind it is no content.
    is_unfinished
        True if its writer was stopped: then zeros may be what was not written yet.
    limits
        Bounds on size.
    """

    source: H5Bytes
    base: int
    end: int
    is_unfinished: bool
    limits: Limits


def salvaged_array(
    ground: Ground, path: str, stored: StoredDataset, note: str, *, is_bfloat16: bool
) -> H5Dataset | Finding:
    """Describe an array as far as it is there.

    Parameters
    ----------
    ground
        The file.
    path
        Of the array in it.
    stored
        What its header says.
    note
        How its place became known, if not from its own header; empty else.
    is_bfloat16
        Whether Keras marked it as such.

    Returns
    -------
    The array with its health; a finding if it is no array of numbers.
    """
    kind = stored.kind
    if kind is None or (kind.name == "opaque" and not is_bfloat16) or stored.is_outside:
        what = "its data lies in other files" if stored.is_outside else "its type has no numbers"
        return Finding(
            code="not-a-tensor",
            severity=Severity.NOTE,
            where=f"{ground.source.where}: {path}",
            message=f"not read as a tensor: {what}",
        )
    made = _Array(ground=ground, path=path, stored=stored, kind=kind, note=note)
    return made.described()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Array:
    ground: Ground
    path: str
    stored: StoredDataset
    kind: ElementType
    note: str

    def described(self) -> H5Dataset:
        """Return it with the verdict on its bytes."""
        health, why, error = self._verdict()
        offset = self.stored.offset
        there = None if offset is None else self.ground.base + offset
        has_rows = health is Health.TRUNCATED and offset is not None and bool(self.stored.shape)
        return H5Dataset(
            path=self.path,
            shape=self.stored.shape,
            dtype="bfloat16" if self.kind.name == "opaque" else self.kind.name,
            nbytes=self.stored.nbytes,
            file=str(self.ground.source.path),
            offset=None if there is None else self.ground.source.place(there),
            health=health,
            health_note="; ".join(part for part in (why, self.note) if part),
            fetch=self._fetch if error is None else _refusing(error),
            leading=self._leading if has_rows else None,
        )

    def _where(self) -> str:
        return f"{self.ground.source.where}: {self.path}"

    def _verdict(self) -> tuple[Health, str, SourceError | None]:
        nbytes = self.stored.nbytes
        if nbytes > self.ground.limits.max_tensor_bytes:
            why = f"{nbytes} bytes, the limit is {self.ground.limits.max_tensor_bytes}"
            error: SourceError = OverLimit(f"{self._where()}: {why}", remedy=_LIMIT)
            return Health.CORRUPT, why, error
        if nbytes == 0 or self.stored.held is not None:
            return Health.UNVERIFIED, "", None
        if self.stored.chunks is not None:
            return self._chunks_verdict()
        if self.stored.offset is None or self.stored.stored != nbytes:
            why = f"{nbytes} bytes are announced, {self.stored.stored} have a place"
            return Health.MISSING, why, Corrupt(f"{self._where()}: {why}", remedy=_REMEDY)
        return self._bytes_verdict(self.ground.base + self.stored.offset, nbytes)

    def _bytes_verdict(self, begin: int, nbytes: int) -> tuple[Health, str, SourceError | None]:
        data = self.ground.source.view()
        there = max(0, min(len(data), self.ground.end) - begin)
        if there >= nbytes:
            if self.ground.is_unfinished and is_zero(data[begin : begin + nbytes]):
                why = f"all {nbytes} bytes from byte {begin} are zero: not written yet, or lost"
                return Health.MISSING, why, Corrupt(f"{self._where()}: {why}", remedy=_REMEDY)
            return Health.UNVERIFIED, "", None
        rest = "zeros follow up to the end" if self.ground.end < len(data) else "the file ends"
        why = f"{there} of {nbytes} bytes are there, from byte {begin}: {rest}"
        health = Health.TRUNCATED if there else Health.MISSING
        return health, why, Truncated(f"{self._where()}: {why}", remedy=_REMEDY)

    def _fetch(self) -> Array:
        offset, dtype = self.stored.offset, _numpy_type(self.kind)
        if self.stored.held is not None:
            count = math.prod(self.stored.shape)
            array: Array = np.frombuffer(self.stored.held, dtype, count).reshape(self.stored.shape)
        elif self.stored.chunks is not None:
            array = self._assembled(dtype)
        elif offset is None:
            array = np.zeros(self.stored.shape, dtype)
        else:
            begin = self.ground.base + offset
            array = self.ground.source.array(begin, self.stored.shape, dtype, self.path)
        return _native(array, self.kind)

    def _leading(self) -> Array:
        """Return the rows that are there."""
        data = self.ground.source.view()
        begin = self.ground.base + (self.stored.offset or 0)
        there = max(0, min(len(data), self.ground.end) - begin)
        row = self.stored.nbytes // max(1, self.stored.shape[0])
        rows = min(self.stored.shape[0], there // row) if row else 0
        shape = (rows, *self.stored.shape[1:])
        found = self.ground.source.array(begin, shape, _numpy_type(self.kind), self.path)
        return _native(found, self.kind)

    def _chunks_verdict(self) -> tuple[Health, str, SourceError | None]:
        data, chunks = self.ground.source.view(), self.stored.chunks
        if chunks is None:  # pragma: no cover - asked for chunked arrays only
            return Health.UNVERIFIED, "", None
        found, lost = find_chunks(data, chunks.tree, len(chunks.shape), self.ground.base)
        edge = min(len(data), self.ground.end)
        cut = sum(self.ground.base + chunk.offset + chunk.size > edge for chunk in found)
        wanted = math.prod(
            -(-n // part) for n, part in zip(self.stored.shape, chunks.shape, strict=True)
        )
        whole = len(found) - cut
        if lost or cut or whole < wanted:
            why = f"{whole} of {wanted} chunks are there"
            health = Health.TRUNCATED if whole else Health.MISSING
            return health, why, Truncated(f"{self._where()}: {why}", remedy=_REMEDY)
        if math.prod(chunks.shape) * self.kind.size > self._largest(found):
            why = "its chunks announce to expand out of proportion"
            return Health.CORRUPT, why, OverLimit(f"{self._where()}: {why}", remedy=_LIMIT)
        try:
            self._assembled(_numpy_type(self.kind))
        except (Corrupt, Unsupported) as error:
            return Health.CORRUPT, error.message, error
        return Health.UNVERIFIED, "", None

    def _largest(self, found: Sequence[Chunk]) -> int:
        return self.ground.limits.max_expansion * max((c.size for c in found), default=0)

    def _assembled(self, dtype: np.dtype[np.generic]) -> Array:
        chunks, data = self.stored.chunks, self.ground.source.view()
        array: Array = np.zeros(self.stored.shape, dtype)
        if chunks is None:  # pragma: no cover - asked for chunked arrays only
            return array
        nbytes = math.prod(chunks.shape) * self.kind.size
        for chunk in find_chunks(data, chunks.tree, len(chunks.shape), self.ground.base)[0]:
            start = self.ground.base + chunk.offset
            raw = data[start : start + chunk.size]
            held = unfiltered(raw, chunks.filters, chunk.skipped, nbytes, self.kind.size)
            block: Array = np.frombuffer(held, dtype).reshape(chunks.shape)
            window = tuple(
                slice(begin, begin + part)
                for begin, part in zip(chunk.begin, chunks.shape, strict=True)
            )
            target = array[window]
            target[...] = block[tuple(slice(0, n) for n in target.shape)]
        return array


def _refusing(error: SourceError) -> Callable[[], Array]:
    kind, message, remedy = type(error), error.message, error.remedy

    def refuse() -> Array:
        raise kind(message, remedy=remedy)

    return refuse


def _numpy_type(kind: ElementType) -> np.dtype[np.generic]:
    match kind.name:
        case "opaque":
            return np.dtype("V2")
        case "bool":
            return np.dtype(np.uint8)
        case name:
            return np.dtype(name).newbyteorder(">" if kind.is_big_endian else "<")


def _native(array: Array, kind: ElementType) -> Array:
    match kind.name:
        case "opaque":
            array = array.view(numpy_dtype("bfloat16"))
        case "bool":
            array = array != 0
        case _ if not array.dtype.isnative:
            array = array.astype(array.dtype.newbyteorder("="))
        case _:
            pass
    array.flags.writeable = False
    return array


def moved(stored: StoredDataset, shift: int) -> StoredDataset:
    """Return what a header says, with the bytes at another place."""
    return stored if stored.offset is None else replace(stored, offset=stored.offset + shift)
