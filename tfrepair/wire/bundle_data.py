"""The shards of a tensor bundle: bytes behind an entry, their checksum, and what they mean.

A shard has no layout of its own; the index (:mod:`tfrepair.wire.bundle`) says where everything
lies. Shards are mapped into memory, and numeric tensors are views of the mapping.

Source: measured on TensorFlow 1.4 to 2.21; ``tests/golden``.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import numpy as np

from tfrepair.core.dtypes import numpy_dtype
from tfrepair.core.errors import Corrupt, Truncated
from tfrepair.core.tensor import Array
from tfrepair.wire.bundle import BIG, BundleEntry, BundleHeader, shard_name
from tfrepair.wire.crc32c import crc32c, mask
from tfrepair.wire.element_types import NAMES, STRING, VARIANT, item_bytes
from tfrepair.wire.mapping import map_file
from tfrepair.wire.protobuf import read_varint

_CRC_BYTES = 4
_MAX_UINT32 = 0xFFFFFFFF


class Shards:
    """The data files of one bundle, each mapped when it is first needed.

    Parameters
    ----------
    prefix
        Path of the bundle without ``.index``.
    header
        Says how many shards there are.
    paths
        Files by number, where they do not have their final names.
    """

    def __init__(
        self, prefix: Path, header: BundleHeader, paths: Mapping[int, Path] | None = None
    ) -> None:
        self._prefix = prefix
        self.header = header
        self._views: dict[int, memoryview] = {}
        self._paths: dict[int, Path] = dict(paths or {})

    def path(self, shard: int) -> Path:
        """Return the path of a data file."""
        if shard not in self._paths:
            name = shard_name(self._prefix.name, shard, self.header.num_shards)
            self._paths[shard] = self._prefix.with_name(name)
        return self._paths[shard]

    def view(self, shard: int) -> memoryview:
        """Return a whole data file.

        Raises
        ------
        SourceError
            If it is missing or cannot be opened.
        """
        if shard not in self._views:
            self._views[shard] = map_file(self.path(shard))
        return self._views[shard]

    def stored(self, entry: BundleEntry, where: str) -> memoryview:
        """Return the bytes of an entry as stored, not verified.

        Raises
        ------
        Truncated
            If the data file ends before the entry does.
        SourceError
            If the data file is missing.
        """
        view = self.view(entry.shard)
        end = entry.offset + entry.size
        if end > len(view):
            message = (
                f"{where}: {self.path(entry.shard)} has {len(view)} bytes, the tensor lies at "
                f"{entry.offset} to {end}: {max(0, len(view) - entry.offset)} of {entry.size} "
                "bytes are there"
            )
            raise Truncated(message)
        return view[entry.offset : end]


def verify_bytes(data: memoryview, entry: BundleEntry, header: BundleHeader, where: str) -> None:
    """Hold the stored bytes of an entry against its checksum and its shape.

    Raises
    ------
    Corrupt
        If the checksum does not fit, or size and shape contradict each other.
    Unsupported
        If the element type is unknown.
    """
    if entry.dtype == STRING:
        found = _strings_crc(data, entry, header, where)
    elif entry.dtype == VARIANT:
        found = _variants(data, entry.elements, where)[1]
    else:
        wanted = entry.elements * item_bytes(entry.dtype, where)
        if wanted != entry.size:
            message = f"{where}: {entry.size} bytes for shape {entry.shape}, expected {wanted}"
            raise Corrupt(message)
        found = crc32c(data)
    if mask(found) != entry.crc:
        message = (
            f"{where}: checksum of the {entry.size} bytes at {entry.offset} is "
            f"{mask(found):08x}, stored is {entry.crc:08x}"
        )
        raise Corrupt(message)


def decode_tensor(data: memoryview, entry: BundleEntry, header: BundleHeader, where: str) -> Array:
    """Return the array that the stored bytes of an entry mean.

    Returns
    -------
    Numeric types: a read-only view of ``data`` (a copy in native order for a big-endian bundle).
    Strings and variants: an object array of ``bytes``; variants as serialized messages.

    Raises
    ------
    Corrupt
        If size and shape contradict each other.
    Unsupported
        If the element type is unknown.
    """
    if entry.dtype == STRING:
        return _objects(_strings(data, entry.elements, header, where), entry)
    if entry.dtype == VARIANT:
        return _objects(_variants(data, entry.elements, where)[0], entry)
    size = item_bytes(entry.dtype, where)
    if entry.elements * size != len(data):
        message = f"{where}: {len(data)} bytes for shape {entry.shape} of {size} bytes each"
        raise Corrupt(message)
    dtype = numpy_dtype(NAMES[entry.dtype])
    flat = np.frombuffer(data, dtype)
    if header.endianness == BIG:
        part = size // 2 if dtype.kind == "c" else size
        flat = np.frombuffer(data, f"u{part}").byteswap().view(dtype)
    return _shaped(flat, entry, where)


def _shaped(flat: Array, entry: BundleEntry, where: str) -> Array:
    try:
        return flat.reshape(entry.shape)
    except ValueError as error:
        message = f"{where}: {entry.shape} is no shape of an array: {error}"
        raise Corrupt(message) from error


def _objects(items: list[bytes], entry: BundleEntry) -> Array:
    array = np.empty(len(items), object)
    array[:] = items
    return array.reshape(entry.shape)


def string_lengths(data: memoryview, count: int, where: str) -> tuple[list[int], int]:
    """Read the lengths in front of a string tensor; returns them and the offset behind them."""
    if count > len(data):
        message = f"{where}: {len(data)} bytes cannot hold {count} strings"
        raise Corrupt(message)
    at, lengths = 0, []
    for _ in range(count):
        length, at = read_varint(data, at, where)
        lengths.append(length)
    if len(data) - at != _CRC_BYTES + sum(lengths):
        message = (
            f"{where}: strings of {sum(lengths)} bytes in sum, "
            f"but {len(data) - at - _CRC_BYTES} are there"
        )
        raise Corrupt(message)
    return lengths, at


def length_bytes(lengths: list[int], header: BundleHeader) -> bytes:
    """Return string lengths as they enter the checksums: 4 bytes each, 8 for huge ones."""
    order = byte_order(header)
    return b"".join(n.to_bytes(4 if n <= _MAX_UINT32 else 8, order) for n in lengths)


def _strings(data: memoryview, count: int, header: BundleHeader, where: str) -> list[bytes]:
    lengths, at = string_lengths(data, count, where)
    stored = int.from_bytes(data[at : at + _CRC_BYTES], byte_order(header))
    found = mask(crc32c(length_bytes(lengths, header)))
    if stored != found:
        message = f"{where}: checksum of the lengths is {found:08x}, stored is {stored:08x}"
        raise Corrupt(message)
    at += _CRC_BYTES
    items = []
    for length in lengths:
        items.append(bytes(data[at : at + length]))
        at += length
    return items


def _strings_crc(data: memoryview, entry: BundleEntry, header: BundleHeader, where: str) -> int:
    lengths, at = string_lengths(data, entry.elements, where)
    crc = crc32c(length_bytes(lengths, header))
    return crc32c(data[at:], crc)


def variant_places(data: memoryview, count: int, where: str) -> list[tuple[int, int]]:
    """Return offset and bytes of the message of every element of a variant tensor.

    Raises
    ------
    Corrupt
        If the lengths in front of the messages do not fit the data.
    """
    at = 0
    places: list[tuple[int, int]] = []
    for _ in range(count):
        length, at = read_varint(data, at, where)
        if at + length + _CRC_BYTES > len(data):
            message = f"{where}: an element of {length} bytes does not fit in {len(data)}"
            raise Corrupt(message)
        places.append((at, length))
        at += length + _CRC_BYTES
    if at != len(data):
        message = f"{where}: {len(data) - at} bytes behind the last of {count} elements"
        raise Corrupt(message)
    return places


def variant_numbers(data: memoryview, places: list[tuple[int, int]]) -> Iterator[bytes]:
    """Go through what the checksum of a variant tensor runs over, in pieces.

    For every element: its length in 8 bytes, its message and that message's checksum as stored.
    """
    for at, length in places:
        yield length.to_bytes(8, "little")
        yield bytes(data[at : at + length + _CRC_BYTES])


def _variants(data: memoryview, count: int, where: str) -> tuple[list[bytes], int]:
    """Read the elements of a variant tensor; returns them and the checksum over everything."""
    places = variant_places(data, count, where)
    crc = 0
    for piece in variant_numbers(data, places):
        crc = crc32c(piece, crc)
    return [bytes(data[at : at + length]) for at, length in places], crc


def byte_order(header: BundleHeader) -> Literal["little", "big"]:
    """Return the byte order of a bundle, as Python names it."""
    return "big" if header.endianness == BIG else "little"
