"""Entries of a tensor bundle: what every key says about its tensor, in both directions.

A bundle is ``P.index``, a table (:mod:`tfrepair.wire.sstable`) from key to entry, and the shards
``P.data-00000-of-00001`` that hold nothing but the tensors' bytes. Knows entries as numbers;
:mod:`tfrepair.wire.bundle_index` reads whole indexes, :mod:`tfrepair.wire.bundle_data` the bytes
behind the entries.

Source: BundleHeaderProto and BundleEntryProto, measured on TensorFlow 1.4 to 2.21; tests/golden.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

from tfrepair.core.errors import Corrupt
from tfrepair.core.tensor import Shape
from tfrepair.wire.crc32c import Buffer
from tfrepair.wire.protobuf import (
    Message,
    bytes_field,
    fixed32_field,
    parse,
    read_fields,
    signed,
    varint_field,
)

OBJECT_GRAPH_KEY = "_CHECKPOINTABLE_OBJECT_GRAPH"
HEADER_KEY = b""
LITTLE, BIG = 0, 1

_MAX_RANK = 254
_MAX_BYTES = 1 << 62
_SHORT = 128
"""Bytes of a shape that is worth remembering."""
_SHOWN_DIMS = 16
_NUMBERS = frozenset({1, 3, 4, 5, 6})
_SHAPE, _SLICES, _DIMS = 2, 7, 2
"""Numbers of the nested fields: of an entry, and of its shape."""
_TYPE_TAG, _SHAPE_TAG, _NUMBER_TAGS, _CHECKSUM_TAG = 0x08, 0x12, b"\x18\x20\x28", 0x35
"""First bytes of the fields of an entry; in the middle shard, offset and size."""
_CHECKSUM_BYTES = 5
_SHORTEST = 9
_MORE = 0x80
_SAFE_BITS = 56
"""Bits of a number that is surely not negative, nor beyond its type."""
_ZERO_LENGTH = b"\x10\x00"
"""An extent's length lies in a oneof: a zero is written, unlike in other fields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleHeader:
    """Entry of the empty key: number of shards, byte order, format versions."""

    num_shards: int = 1
    endianness: int = LITTLE
    producer: int = 1
    min_consumer: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """One axis of a slice; ``length`` is ``None`` for the whole axis."""

    start: int = 0
    length: int | None = None


Slice = tuple[Extent, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleEntry:
    """Where one tensor lies.

    Attributes
    ----------
    dtype
        Number of the element type, see :mod:`tfrepair.wire.element_types`.
    shape
        As saved.
    shard, offset, size
        Number of the data file, first byte and number of bytes there.
    crc
        Masked CRC-32C of the bytes as stored.
    slices
        For a partitioned variable: its parts, each of which has an entry of its own; this entry
        then has no bytes.
    """

    dtype: int
    shape: Shape
    shard: int = 0
    offset: int = 0
    size: int = 0
    crc: int = 0
    slices: tuple[Slice, ...] = ()

    @property
    def elements(self) -> int:
        """Number of elements that the shape announces."""
        return math.prod(self.shape)


def show_key(key: bytes) -> str:
    """Return a key as text for messages."""
    return key.decode("utf-8", "backslashreplace").replace("\0", "\\0")


def shard_name(prefix: str, shard: int, num_shards: int) -> str:
    """Return the name of a data file."""
    return f"{prefix}.data-{shard:05d}-of-{num_shards:05d}"


def decode_header(data: Buffer, where: str) -> BundleHeader:
    """Read the value of the empty key.

    Raises
    ------
    Corrupt
        If the bytes are no header.
    """
    message = parse(data, where)
    version = message.message(3)
    return BundleHeader(
        num_shards=message.uint(1),
        endianness=message.uint(2),
        producer=version.uint(1),
        min_consumer=version.uint(2),
    )


def encode_header(header: BundleHeader) -> bytes:
    """Write the value of the empty key."""
    version = varint_field(1, header.producer) + varint_field(2, header.min_consumer)
    return (
        varint_field(1, header.num_shards)
        + varint_field(2, header.endianness)
        + bytes_field(3, version)
    )


def decode_entry(data: Buffer, where: str) -> BundleEntry:
    """Read the value of a key.

    Raises
    ------
    Corrupt
        If the bytes are no entry, or its numbers are negative or overflow: TensorFlow's own
        reader would abort the process.
    """
    numbers: dict[int, int] = {}
    shape: Shape = ()
    slices: list[Slice] = []
    for number, value in read_fields(data, where):
        if isinstance(value, int):
            numbers[number] = value
        elif number == _SHAPE:
            shape = _decode_dims(value, where)
        elif number == _SLICES:
            slices.append(decode_slice(parse(value, where)))
        elif number in _NUMBERS:
            text = f"{where}: field {number} should be a number, but has {len(value)} bytes"
            raise Corrupt(text)
    entry = BundleEntry(
        dtype=numbers.get(1, 0),
        shape=shape,
        shard=signed(numbers.get(3, 0)),
        offset=signed(numbers.get(4, 0)),
        size=signed(numbers.get(5, 0)),
        crc=numbers.get(6, 0) & 0xFFFFFFFF,
        slices=tuple(slices),
    )
    if entry.shard < 0 or entry.offset < 0 or not 0 <= entry.size <= _MAX_BYTES:
        text = f"{where}: shard {entry.shard}, offset {entry.offset}, size {entry.size} is no place"
        raise Corrupt(text)
    return entry


def usual_entry(data: bytes) -> BundleEntry | None:
    """Read an entry as TensorFlow writes it, in one pass; ``None`` for all others.

    An index has thousands of entries, and :func:`decode_entry` takes its time. In this order:
    type, shape, then what is not zero of shard, offset and size, then the checksum.
    """
    size = len(data)
    if not _SHORTEST <= size <= _SHORT or data[0] != _TYPE_TAG or data[2] != _SHAPE_TAG:
        return None
    dtype, length = data[1], data[3]
    at = 4 + length
    if dtype >= _MORE or length >= _MORE or at > size - _CHECKSUM_BYTES:
        return None
    shape = _known_shape(data[4:at])
    if shape is None or data[-_CHECKSUM_BYTES] != _CHECKSUM_TAG:
        return None
    numbers = [0, 0, 0]
    last = -1
    end = size - _CHECKSUM_BYTES
    while at < end:
        field = _NUMBER_TAGS.find(data[at])
        value = shift = 0
        byte = _MORE
        while byte >= _MORE and shift < _SAFE_BITS:
            at += 1
            byte = data[at]
            value |= (byte & 0x7F) << shift
            shift += 7
        if field <= last or byte >= _MORE:
            return None
        numbers[field] = value
        last = field
        at += 1
    if at != end or numbers[2] > _MAX_BYTES:
        return None
    return BundleEntry(
        dtype=dtype,
        shape=shape,
        shard=numbers[0],
        offset=numbers[1],
        size=numbers[2],
        crc=int.from_bytes(data[-4:], "little"),
    )


def encode_entry(entry: BundleEntry) -> bytes:
    """Write the value of a key, as TensorFlow does; zero fields are left out."""
    shape = b"".join(bytes_field(2, varint_field(1, size)) for size in entry.shape)
    return (
        varint_field(1, entry.dtype)
        + bytes_field(2, shape)
        + varint_field(3, entry.shard)
        + varint_field(4, entry.offset)
        + varint_field(5, entry.size)
        + fixed32_field(6, entry.crc)
        + b"".join(bytes_field(7, _encode_slice(part)) for part in entry.slices)
    )


def decode_shape(message: Message, where: str) -> Shape:
    """Read a TensorShapeProto that must be fully known; see :func:`decode_entry`."""
    if message.uint(3):
        text = f"{where}: a shape of unknown rank"
        raise Corrupt(text)
    return _checked(tuple(dim.int64(1) for dim in message.messages(2)), where)


def _decode_dims(data: memoryview, where: str) -> Shape:
    """Do the same from bytes: an index has thousands of shapes, and few different ones."""
    shape = _known_shape(bytes(data)) if len(data) <= _SHORT else None
    return _read_dims(data, where) if shape is None else shape


@lru_cache(maxsize=4096)
def _known_shape(data: bytes) -> Shape | None:
    try:
        return _read_dims(memoryview(data), "")
    except Corrupt:
        return None


def _read_dims(data: memoryview, where: str) -> Shape:
    dims = []
    for number, value in read_fields(data, where):
        if isinstance(value, int):
            text = f"{where}: a shape of unknown rank"
            raise Corrupt(text)
        if number == _DIMS:
            dims.append(
                next(
                    (
                        signed(n)
                        for f, n in read_fields(value, where)
                        if f == 1 and isinstance(n, int)
                    ),
                    0,
                )
            )
    return _checked(tuple(dims), where)


def _checked(dims: Shape, where: str) -> Shape:
    is_sane = all(0 <= size <= _MAX_BYTES for size in dims) and len(dims) <= _MAX_RANK
    if not is_sane or math.prod(dims) > _MAX_BYTES:
        shown = ", ".join(map(str, dims[:_SHOWN_DIMS]))
        text = f"{where}: ({shown}) is no shape of a saved tensor"
        raise Corrupt(text)
    return dims


def decode_slice(message: Message) -> Slice:
    """Read a TensorSliceProto: one extent for each axis; without a length it is the whole axis."""
    return tuple(
        Extent(start=extent.int64(1), length=extent.int64(2)) if 2 in extent.fields else Extent()
        for extent in message.messages(1)
    )


def _encode_slice(part: Slice) -> bytes:
    return b"".join(bytes_field(1, _encode_extent(extent)) for extent in part)


def _encode_extent(extent: Extent) -> bytes:
    if extent.length is None:
        return b""
    return varint_field(1, extent.start) + (varint_field(2, extent.length) or _ZERO_LENGTH)
