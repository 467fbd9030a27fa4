"""Arrays in ``.npy`` form, wherever they lie: in a file, or in a member of an archive.

Reads headers and pickles, leaves numbers where they are, and knows how to fetch them. Knows
nothing about names. Used by the readers of ``.npy``, ``.npz`` and folders.
"""

import errno
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np

from tfrepair.core.errors import Corrupt, OverLimit, SourceError, Truncated
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Array, Health, Limits, Origin
from tfrepair.readers.base import system_errors
from tfrepair.readers.tree import Branches, StoredArray, Unpacked
from tfrepair.wire.npy import MAGIC, NpyHeader, read_header
from tfrepair.wire.safe_pickle import load_pickle

_MAP_FROM = 1 << 20
"""Bytes from which an array of a plain file is mapped instead of read: a mapped row costs no more
than the row, and small arrays do not hold descriptors."""
_FIRST_ORDERED_PROTOCOL = 3
"""Python 2 and Python 3.5 shuffle dicts and write protocol 2; NumPy 1.17 and Python 3.6 and later
keep the order. A lower protocol may be either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Bytes that hold arrays.

    Attributes
    ----------
    path, key
        The file, and the member in it (empty for the file itself).
    size
        Bytes, decompressed.
    open
        Opens it for reading at its beginning; each use costs I/O.
    is_mappable
        True if the bytes lie in the file as they are.
    """

    path: Path
    size: int
    open: Callable[[], AbstractContextManager[BinaryIO]] = field(repr=False)
    key: str = ""
    is_mappable: bool = False

    @property
    def where(self) -> str:
        """How errors name it."""
        return f"{self.path}, member {self.key}" if self.key else str(self.path)


def file_stream(path: Path) -> Stream:
    """Return a file as a stream.

    Raises
    ------
    SourceError
        If the file cannot be examined.
    """
    with system_errors(path):
        size = path.stat().st_size
    return Stream(path=path, size=size, open=lambda: path.open("rb"), is_mappable=True)


def read_arrays(stream: Stream, *, limits: Limits) -> tuple[object, tuple[Finding, ...]]:
    """Read the headers of all arrays of a stream, and its pickles.

    Parameters
    ----------
    stream
        Usually one array; ``numpy.save`` may have been called several times on one open file.
    limits
        Bounds for pickles and the number of arrays.

    Returns
    -------
    A tree for :func:`tfrepair.readers.containers.flatten`, and findings about what surrounds it.

    Raises
    ------
    SourceError
        If the first header or a pickle cannot be read. Numbers that are missing at the end are
        no error but a tensor with the health ``TRUNCATED``.
    """
    values: list[object] = []
    findings: list[Finding] = []
    with damage(stream), stream.open() as file:
        while True:
            header = read_header(file, where=stream.where)
            value = _value(file, stream, header, limits=limits)
            values.append(value)
            if isinstance(value, Unpacked) and value.damage is not None:
                findings.append(broken_off(value.damage, stream))
                break
            if len(values) > limits.max_tensors:
                message = f"{stream.where}: more than {limits.max_tensors} arrays"
                raise OverLimit(message, remedy="read it with larger Limits")
            at = file.tell() if header.is_object else header.offset + header.nbytes
            if at >= stream.size:
                break
            file.seek(at)
            if file.read(len(MAGIC)) != MAGIC:
                findings.append(_trailing(stream, at))
                break
            file.seek(at)
    if len(values) == 1:
        return values[0], tuple(findings)
    pairs = tuple((str(place), value) for place, value in enumerate(values))
    return Branches(pairs=pairs), tuple(findings)


def _value(file: BinaryIO, stream: Stream, header: NpyHeader, *, limits: Limits) -> object:
    if header.is_object:
        return unpacked(file, stream, limits=limits)
    return StoredArray(
        shape=header.shape,
        dtype=header.dtype,
        origin=Origin(path=str(stream.path), key=stream.key, offset=header.offset),
        fetch=lambda: _fetch(stream, header),
        health=Health.TRUNCATED if _missing(stream, header) else Health.UNVERIFIED,
        health_note=_note(stream, header),
        leading=_leading(stream, header),
    )


def _leading(stream: Stream, header: NpyHeader) -> Callable[[], Array] | None:
    """Return how to read the first rows of an array that is cut; ``None`` if it has none."""
    if not _missing(stream, header) or header.fortran_order or not header.shape:
        return None
    there = header.nbytes - _missing(stream, header)
    row = header.nbytes // max(1, header.shape[0])
    rows = there // row if row else 0
    part = replace(header, shape=(rows, *header.shape[1:]))
    return lambda: _native(_fetch(stream, part))


def _native(array: Array) -> Array:
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


def broken_off(error: SourceError, stream: Stream) -> Finding:
    """Return what there is to say about a pickle of which only the first arrays are read."""
    return Finding(
        code="pickle-broken-off",
        severity=Severity.ERROR,
        where=stream.where,
        message=f"{error.message.removeprefix(f'{stream.where}, ')}; what comes behind is lost",
        remedy="look for a complete copy; tfrepair repair writes the whole arrays into a file",
    )


def unpacked(file: BinaryIO, stream: Stream, *, limits: Limits) -> Unpacked:
    """Read a pickle at the position of an open stream, or the whole arrays before its damage.

    Raises
    ------
    SourceError
        As :func:`tfrepair.wire.safe_pickle.load_pickle`.
    """
    offset = file.tell()
    found = load_pickle(file, where=stream.where, end=stream.size, limits=limits, or_prefix=True)
    return Unpacked(
        value=found.value,
        origin=Origin(path=str(stream.path), key=stream.key, offset=offset),
        dicts_are_ordered=not found.has_byte_strings and found.protocol >= _FIRST_ORDERED_PROTOCOL,
        damage=found.damage,
    )


@contextmanager
def damage(stream: Stream) -> Iterator[None]:
    """Turn what the system and decompression say about a stream into a :class:`SourceError`."""
    with system_errors(stream.path):
        try:
            yield
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            message = f"{stream.where}: the archive is damaged: {str(error) or 'it ends early'}"
            raise Corrupt(message, remedy="look for another copy of the file") from error
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            message = f"{stream.where}: the archive is damaged: an offset points nowhere"
            raise Corrupt(message, remedy="look for another copy of the file") from error


def _missing(stream: Stream, header: NpyHeader) -> int:
    return max(0, header.offset + header.nbytes - stream.size)


def _note(stream: Stream, header: NpyHeader) -> str:
    missing = _missing(stream, header)
    if not missing:
        return ""
    found = header.nbytes - missing
    axis = len(header.shape) - 1 if header.fortran_order else 0
    rows = header.shape[axis]
    whole = found * rows // header.nbytes
    what = "rows" if axis == 0 else f"slices along axis {axis}"
    return f"{whole} of {rows} {what} are there: expected {header.nbytes} bytes, found {found}"


def _fetch(stream: Stream, header: NpyHeader) -> Array:
    missing = _missing(stream, header)
    if missing:
        message = (
            f"{stream.where}, byte {header.offset}: expected {header.nbytes} bytes for an array of "
            f"shape {header.shape} and type {header.dtype.name}, found {header.nbytes - missing}"
        )
        raise Truncated(message, remedy="look for a complete copy of the file")
    with damage(stream):
        if stream.is_mappable and header.nbytes >= _MAP_FROM:
            return _mapped(stream, header)
        with stream.open() as file:
            file.seek(header.offset)
            data = file.read(header.nbytes)
            file.read(1)  # an archive compares its checksum when it meets the end
    if len(data) < header.nbytes:
        message = (
            f"{stream.where}, byte {header.offset}: expected {header.nbytes} bytes, found "
            f"{len(data)}: the file became shorter while it was read"
        )
        raise Truncated(message, remedy="read it when nobody writes to it")
    return _shaped(data, header)


def _mapped(stream: Stream, header: NpyHeader) -> Array:
    mapped: Array = np.memmap(
        stream.path, dtype=np.uint8, mode="r", offset=header.offset, shape=(header.nbytes,)
    )
    return _shaped(np.asarray(mapped).data, header)


def _shaped(data: bytes | memoryview, header: NpyHeader) -> Array:
    order: Literal["F", "C"] = "F" if header.fortran_order else "C"
    array: Array = np.ndarray(header.shape, header.dtype, data, order=order)
    return array


def _trailing(stream: Stream, at: int) -> Finding:
    return Finding(
        code="bytes-after-array",
        severity=Severity.WARNING,
        where=f"{stream.where}, byte {at}",
        message=f"{stream.size - at} bytes after the array are not read",
        remedy="check that the file was written by numpy.save alone",
    )
