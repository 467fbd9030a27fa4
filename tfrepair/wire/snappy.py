"""Snappy's raw format: the reader.

TensorFlow never writes compressed blocks, but old builds did and its reader takes them. They are
rare and small, so the few lines here stand for a native dependency. Knows one buffer;
:mod:`tfrepair.wire.sstable` calls it.

Source: the published format description; equal to two other decoders on random inputs.
"""

from tfrepair.core.errors import Corrupt, OverLimit
from tfrepair.wire.protobuf import read_varint

_MAX_EXPANSION = 22
"""No element makes more than 64 bytes out of three."""
_LITERAL, _COPY_1, _COPY_2 = 0, 1, 2
_LONG_LITERAL = 60


def decompress(data: memoryview, where: str) -> memoryview:
    """Return the bytes behind compressed ones.

    Raises
    ------
    Corrupt
        If the bytes are no Snappy data, or do not give as many bytes as they announce.
    OverLimit
        If they announce more bytes than so many can make; nothing is allocated then.
    """
    size, at = read_varint(data, 0, where)
    if size > _MAX_EXPANSION * len(data):
        message = f"{where}: {len(data)} compressed bytes announce {size}"
        raise OverLimit(message)
    out = bytearray()
    while at < len(data) and len(out) < size:
        tag = data[at]
        if tag & 3 == _LITERAL:
            length, at = _literal_length(data, at)
            if length > len(data) - at:
                raise _bad(where, at)
            out += data[at : at + length]
            at += length
        else:
            length, offset, at = _copy(data, at)
            if not 0 < offset <= len(out) or at > len(data):
                raise _bad(where, at)
            _repeat(out, offset, length)
    if len(out) != size or at != len(data):
        message = f"{where}: {len(out)} bytes decompressed, {size} announced"
        raise Corrupt(message)
    return memoryview(bytes(out))


def _literal_length(data: memoryview, at: int) -> tuple[int, int]:
    length = data[at] >> 2
    at += 1
    if length < _LONG_LITERAL:
        return length + 1, at
    extra = length - _LONG_LITERAL + 1
    return int.from_bytes(data[at : at + extra], "little") + 1, at + extra


def _copy(data: memoryview, at: int) -> tuple[int, int, int]:
    """Return length and distance of a copy, and the offset behind its tag."""
    tag, extra = data[at], {_COPY_1: 1, _COPY_2: 2}.get(data[at] & 3, 4)
    number = int.from_bytes(data[at + 1 : at + 1 + extra], "little")
    if tag & 3 == _COPY_1:
        return (tag >> 2 & 7) + 4, (tag >> 5) << 8 | number, at + 2
    return (tag >> 2) + 1, number, at + 1 + extra


def _repeat(out: bytearray, offset: int, length: int) -> None:
    start = len(out) - offset
    if offset >= length:
        out += out[start : start + length]
    else:
        pattern = bytes(out[start:])
        out += (pattern * (length // offset + 1))[:length]


def _bad(where: str, at: int) -> Corrupt:
    return Corrupt(f"{where}: the compressed bytes before {at} refer to bytes that are not there")
