"""CRC-32C as TensorFlow's files store it: the Castagnoli checksum, rotated and offset ("masked").

Knows buffers and numbers, no files. :mod:`tfrepair.wire.sstable` and :mod:`tfrepair.wire.bundle`
call it; :mod:`tfrepair.core` does not know it.
"""

import google_crc32c
import numpy as np

Buffer = bytes | memoryview
"""What the wire layer reads from: bytes, or a view of a memory-mapped file."""

_MASK_DELTA = 0xA282EAD8
_CHUNK = 4 << 20
"""Bytes per step: few enough that a mapped file never fills memory with private pages."""


def crc32c(data: Buffer, crc: int = 0) -> int:
    """Return the CRC-32C of a buffer, or continue one.

    Parameters
    ----------
    data
        Any number of bytes; a view of a mapped file is read in chunks and not copied.
    crc
        Checksum of the bytes before ``data``.

    Notes
    -----
    Source: reflected polynomial 0x82F63B78; ``crc32c(b"123456789") == 0xE3069283``.
    """
    if isinstance(data, bytes):
        return int(google_crc32c.extend(crc, data))
    array = np.frombuffer(data, np.uint8)
    if array.size <= _CHUNK:
        return int(google_crc32c.extend(crc, array))
    for start in range(0, array.size, _CHUNK):
        crc = int(google_crc32c.extend(crc, array[start : start + _CHUNK]))
    return crc


def mask(crc: int) -> int:
    """Return the stored form of a checksum, so that a checksum of checksums is still useful."""
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF


def unmask(stored: int) -> int:
    """Return the checksum behind its stored form; inverse of :func:`mask`."""
    rotated = (stored - _MASK_DELTA) & 0xFFFFFFFF
    return (rotated >> 17 | rotated << 15) & 0xFFFFFFFF


def masked_crc32c(*parts: Buffer) -> int:
    """Return the stored form of the checksum over the parts, one after the other."""
    crc = 0
    for part in parts:
        crc = crc32c(part, crc)
    return mask(crc)
