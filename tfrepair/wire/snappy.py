"""Snappy's raw format: the reader, a bounded wrapper of cramjam's decoder.

TensorFlow never writes compressed blocks, but old builds did and its reader takes them. What a
block announces is held against what its size can make before anything is allocated. Knows one
buffer; :mod:`tfrepair.wire.sstable_block` calls it.

Source: the published format description; ``docs/decisions/0005``.
"""

import cramjam

from tfrepair.core.errors import Corrupt, OverLimit
from tfrepair.wire.protobuf import read_varint

_MAX_EXPANSION = 22
"""No element makes more than 64 bytes out of three."""
_MAX_BYTES = 1 << 31
"""The first Saver format stores no more in one entry, and such an entry is a block by itself."""


def decompress(data: memoryview, where: str) -> memoryview:
    """Return the bytes behind compressed ones.

    Parameters
    ----------
    data
        One compressed block.
    where
        Name of the file and offset of the block, for messages.

    Raises
    ------
    Corrupt
        If the bytes are no Snappy data, or do not give as many bytes as they announce.
    OverLimit
        If they announce more bytes than so many can make, or than any block holds; nothing is
        allocated then.
    """
    size, _ = read_varint(data, 0, where)
    limit = min(_MAX_EXPANSION * len(data), _MAX_BYTES)
    if size > limit:
        message = f"{where}: {len(data)} compressed bytes announce {size}, limit {limit}"
        raise OverLimit(message)
    out = bytearray(size)
    try:
        written = cramjam.snappy.decompress_raw_into(data, out)
    except cramjam.DecompressionError as error:
        message = f"{where}: {len(data)} bytes that should give {size}: {error}"
        raise Corrupt(message) from error
    if written != size:
        message = f"{where}: {written} bytes decompressed, {size} announced"
        raise Corrupt(message)
    return memoryview(out).toreadonly()
