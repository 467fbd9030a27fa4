"""Chunks of an HDF5 dataset: where they lie, and their bytes without the filters.

Knows the tree of version 1 and the filters deflate, shuffle and fletcher32 (which is cut off, not
compared). Nothing expands beyond the size of a chunk.

Source: the HDF5 File Format Specification, "III.A.1 Version 1 B-trees", "IV.A.2.l".
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tfrepair.core.errors import Corrupt, Unsupported
from tfrepair.wire.hdf5_header import number

DEFLATE, SHUFFLE, FLETCHER32 = 1, 2, 3
_TREE = b"TREE"
_MAX_NODES = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One chunk.

    Attributes
    ----------
    begin
        First element of it along each axis.
    offset, size
        Its stored bytes, counted from the base.
    skipped
        Bit ``n`` set: the ``n``-th filter was left out.
    """

    begin: tuple[int, ...]
    offset: int
    size: int
    skipped: int


def find_chunks(data: memoryview, tree: int, rank: int, base: int) -> tuple[list[Chunk], int]:
    """Return the chunks that the tree lists, and the number of its nodes that are not there."""
    found: list[Chunk] = []
    lost, pending = 0, [tree]
    seen: set[int] = set()
    key = 8 + 8 * (rank + 1)
    while pending and len(seen) < _MAX_NODES:
        address = pending.pop()
        if address in seen:
            continue
        seen.add(address)
        start = base + address
        if bytes(data[start : start + 4]) != _TREE or number(data, start + 4, 1) != 1:
            lost += 1
            continue
        level = number(data, start + 5, 1)
        for n in range(number(data, start + 6, 2)):
            at = start + 24 + (key + 8) * n
            if at + key + 8 > len(data):
                lost += 1
                break
            child = number(data, at + key, 8)
            if level:
                pending.append(child)
            else:
                begin = tuple(number(data, at + 8 + 8 * axis, 8) for axis in range(rank))
                size, skipped = number(data, at, 4), number(data, at + 4, 4)
                found.append(Chunk(begin=begin, offset=child, size=size, skipped=skipped))
    return found, lost


def unfiltered(
    raw: bytes | memoryview, filters: Sequence[int], skipped: int, nbytes: int, width: int
) -> bytes:
    """Undo the filters of a chunk.

    Parameters
    ----------
    raw
        As stored.
    filters, skipped
        Of the dataset; see :class:`Chunk`.
    nbytes, width
        Bytes of the chunk, and of one element.

    Raises
    ------
    Corrupt
        If it does not give the bytes of a chunk.
    Unsupported
        For any other filter.
    """
    held = bytes(raw)
    for place, which in reversed(list(_applied(filters, skipped))):
        match which:
            case 1:
                try:
                    held = zlib.decompressobj().decompress(held, nbytes + 64)
                except zlib.error as error:
                    message = f"filter {place} (deflate): {error}"
                    raise Corrupt(message) from error
            case 2:
                count = len(held) // width
                turned = np.frombuffer(held, np.uint8, count * width).reshape(width, count)
                held = turned.T.tobytes() + held[count * width :]
            case 3:
                held = held[:-4]
            case _:
                message = f"filter {which} of HDF5 is not known here"
                raise Unsupported(message)
    if len(held) != nbytes:
        message = f"a chunk has {len(held)} bytes without its filters, expected {nbytes}"
        raise Corrupt(message)
    return held


def _applied(filters: Sequence[int], skipped: int) -> Iterator[tuple[int, int]]:
    for place, which in enumerate(filters):
        if not skipped >> place & 1:
            yield place, which
