"""A tensor's bytes with one flipped bit set right, proven by its checksum.

Finds the bit with :mod:`tfrepair.wire.bit_repair`. For strings the checksum runs over their
lengths as numbers, which are stored in another form; bits in there are tried one by one.
"""

from tfrepair.core.errors import SourceError
from tfrepair.wire.bit_repair import SILENT, locate_bit, with_bit_flipped
from tfrepair.wire.bundle import BundleEntry, BundleHeader
from tfrepair.wire.bundle_data import length_bytes, string_lengths, verify_bytes
from tfrepair.wire.crc32c import crc32c, unmask
from tfrepair.wire.element_types import STRING, VARIANT, item_bytes

SURE_BYTES = SILENT
"""Up to this size a correction needs no further evidence."""

_TRIED_BYTES = 64
"""Bytes at the beginning of a string tensor in which every bit is tried."""
_TRIED_SIZE = 1 << 24


def corrected_bytes(
    data: memoryview, entry: BundleEntry, header: BundleHeader, where: str
) -> tuple[bytes, int] | None:
    """Correct a single flipped bit.

    Parameters
    ----------
    data
        The stored bytes, whose checksum does not fit.
    entry, header
        What the index says about them.
    where
        Name of the tensor, for messages.

    Returns
    -------
    A corrected copy that fits the checksum, and the number of the bit; ``None`` if no single bit
    explains the damage.
    """
    if entry.dtype in (STRING, VARIANT):
        return _corrected_text(data, entry, header, where)
    try:
        if entry.elements * item_bytes(entry.dtype, where) != len(data):
            return None
    except SourceError:
        return None
    bit = locate_bit(len(data), unmask(entry.crc) ^ crc32c(data))
    return None if bit is None else (with_bit_flipped(data, bit), bit)


def _corrected_text(
    data: memoryview, entry: BundleEntry, header: BundleHeader, where: str
) -> tuple[bytes, int] | None:
    if len(data) > _TRIED_SIZE:
        return None
    bit = _bit_in_text(data, entry, header, where)
    if bit is not None:
        return with_bit_flipped(data, bit), bit
    for bit in range(8 * min(len(data), _TRIED_BYTES)):
        fixed = with_bit_flipped(data, bit)
        if _fits(fixed, entry, header, where):
            return fixed, bit
    return None


def _bit_in_text(
    data: memoryview, entry: BundleEntry, header: BundleHeader, where: str
) -> int | None:
    """Find a flipped bit behind the lengths, which keep the checksum's length right."""
    if entry.dtype != STRING:
        return None
    try:
        lengths, at = string_lengths(data, entry.elements, where)
    except SourceError:
        return None
    numbers = length_bytes(lengths, header)
    actual = crc32c(data[at:], crc32c(numbers))
    bit = locate_bit(len(numbers) + len(data) - at, unmask(entry.crc) ^ actual)
    if bit is None or bit < 8 * len(numbers):
        return None
    bit += 8 * (at - len(numbers))
    return bit if _fits(with_bit_flipped(data, bit), entry, header, where) else None


def _fits(data: bytes, entry: BundleEntry, header: BundleHeader, where: str) -> bool:
    try:
        verify_bytes(memoryview(data), entry, header, where)
    except SourceError:
        return False
    return True
