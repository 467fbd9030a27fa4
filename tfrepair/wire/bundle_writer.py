"""Tensor bundles: the writer, byte for byte as TensorFlow writes them.

Tensors go into a data file one after the other without a gap; what is said about them becomes
the index, a table. Knows arrays and sinks, no files: :mod:`tfrepair.writers` decides where the
bytes go and when they are complete. The other way is :mod:`tfrepair.wire.bundle_data`.

Source: measured, every golden save is read and written again identically, data and index.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from tfrepair.core.tensor import Array, Shape
from tfrepair.wire.bundle import (
    BIG,
    HEADER_KEY,
    BundleEntry,
    BundleHeader,
    Slice,
    encode_entry,
    encode_header,
)
from tfrepair.wire.bundle_data import byte_order, length_bytes
from tfrepair.wire.crc32c import Buffer, crc32c, mask
from tfrepair.wire.element_types import STRING, VARIANT
from tfrepair.wire.ordered_code import encode_slice_key
from tfrepair.wire.protobuf import varint
from tfrepair.wire.sstable_writer import Sink, write_table

LITTLE_HEADER = BundleHeader()


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One tensor, or one slice of a partitioned one, on its way into a data file.

    Attributes
    ----------
    name
        Key; for a slice the name of the whole.
    dtype
        Number of the element type; says more than the array does (``quint8``, ``variant``).
    array
        Values in native byte order; ``bytes`` objects for strings and variants.
    part
        Place of a slice in the whole; ``None`` for a whole tensor.
    whole
        Shape of the whole, for slices.
    """

    name: str
    dtype: int
    array: Array
    part: Slice | None = None
    whole: Shape = ()

    @property
    def key(self) -> bytes:
        """Key in the index."""
        if self.part is None:
            return self.name.encode("utf-8", "surrogateescape")
        return encode_slice_key(self.name, self.part)


def write_data(
    items: Iterable[Item],
    sink: Sink,
    *,
    shard: int = 0,
    header: BundleHeader = LITTLE_HEADER,
) -> dict[bytes, BundleEntry]:
    """Write one data file.

    Parameters
    ----------
    items
        In the order of the file; taken one at a time, so that one array is in memory.
    sink
        Receives the bytes of the file in order.
    shard
        Number of this file.
    header
        Says the byte order.

    Returns
    -------
    The entries of the index. A partitioned tensor also has an entry for the whole, which lists
    the slices that are in this file: :func:`merged` joins those of several files.
    """
    entries: dict[bytes, BundleEntry] = {}
    offset = 0
    for item in items:
        pieces, crc = stored_form(item.array, item.dtype, header)
        size = 0
        for piece in pieces:
            sink(bytes(piece) if len(piece) < _SMALL else piece)
            size += len(piece)
        entries[item.key] = BundleEntry(
            dtype=item.dtype,
            shape=item.array.shape,
            shard=shard,
            offset=offset,
            size=size,
            crc=mask(crc),
        )
        if item.part is not None:
            _list_slice(entries, item, item.part, shard)
        offset += size
    return entries


def _list_slice(entries: dict[bytes, BundleEntry], item: Item, part: Slice, shard: int) -> None:
    name = item.name.encode("utf-8", "surrogateescape")
    known = entries.get(name)
    slices = (*known.slices, part) if known else (part,)
    # The whole has no bytes, but the number of the first file that holds one of its slices.
    entries[name] = BundleEntry(dtype=item.dtype, shape=item.whole, shard=shard, slices=slices)


def merged(shards: Iterable[Mapping[bytes, BundleEntry]]) -> dict[bytes, BundleEntry]:
    """Join the entries of several data files, in the order of their numbers.

    Raises
    ------
    ValueError
        If two files hold the same tensor, or disagree on a partitioned one.
    """
    entries: dict[bytes, BundleEntry] = {}
    for found in shards:
        for key, entry in found.items():
            known = entries.get(key)
            if known is None:
                entries[key] = entry
                continue
            same_whole = (known.dtype, known.shape) == (entry.dtype, entry.shape)
            if not (known.slices and entry.slices and same_whole):
                message = f"{key!r} is in two data files"
                raise ValueError(message)
            entries[key] = replace(known, slices=(*known.slices, *entry.slices))
    return entries


def write_index(
    entries: Mapping[bytes, BundleEntry], sink: Sink, *, header: BundleHeader = LITTLE_HEADER
) -> int:
    """Write the index.

    Parameters
    ----------
    entries
        In any order.
    sink
        Receives the bytes of the file in order.
    header
        Number of data files and byte order.

    Returns
    -------
    Size of the file in bytes.
    """
    encoded = ((key, encode_entry(entries[key])) for key in sorted(entries))
    return write_table([(HEADER_KEY, encode_header(header)), *encoded], sink)


_SMALL = 1 << 16
"""Pieces up to this size reach the sink as ``bytes``, larger ones as views without a copy."""


def stored_form(
    array: Array, dtype: int, header: BundleHeader = LITTLE_HEADER
) -> tuple[tuple[Buffer, ...], int]:
    """Return the bytes of a tensor as they are stored, in pieces, and their checksum, unmasked."""
    if dtype == STRING:
        return _strings(_items(array), header)
    if dtype == VARIANT:
        return _variants(_items(array))
    data = _ordered(array, header).reshape(-1).view(np.uint8).data
    return (data,), crc32c(data)


def _items(array: Array) -> list[bytes]:
    return [bytes(item) for item in array.reshape(-1)]


def _ordered(array: Array, header: BundleHeader) -> Array:
    """Return contiguous values in the byte order of the bundle; parts of complex ones apart."""
    flat = np.ascontiguousarray(array).reshape(-1)
    size = flat.dtype.itemsize // 2 if flat.dtype.kind == "c" else flat.dtype.itemsize
    if header.endianness != BIG or size == 1:
        return flat
    return flat.view(f"u{size}").byteswap()


def _strings(items: list[bytes], header: BundleHeader) -> tuple[tuple[Buffer, ...], int]:
    lengths = [len(item) for item in items]
    numbers = crc32c(length_bytes(lengths, header))
    checksum = mask(numbers).to_bytes(4, byte_order(header))
    text = b"".join(items)
    stored = b"".join(varint(length) for length in lengths)
    return (stored, checksum, text), crc32c(text, crc32c(checksum, numbers))


def _variants(items: list[bytes]) -> tuple[tuple[Buffer, ...], int]:
    pieces: list[Buffer] = []
    crc = 0
    for item in items:
        crc = crc32c(item, crc32c(len(item).to_bytes(8, "little"), crc))
        checksum = mask(crc).to_bytes(4, "little")
        crc = crc32c(checksum, crc)
        pieces += (varint(len(item)), item, checksum)
    return tuple(pieces), crc
