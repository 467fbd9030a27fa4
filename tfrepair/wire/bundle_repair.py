"""A tensor's bytes with one flipped bit set right, proven by its checksum.

Finds the bit with :mod:`tfrepair.wire.bit_repair`. For strings the checksum runs over their
lengths as numbers, which are stored in another form; bits in there are tried one by one.
"""

from tfrepair.core.errors import SourceError
from tfrepair.wire.bit_repair import SILENT, locate_bit, with_bit_flipped
from tfrepair.wire.bundle import BundleEntry, BundleHeader
from tfrepair.wire.bundle_data import (
    length_bytes,
    string_lengths,
    variant_numbers,
    variant_places,
    verify_bytes,
)
from tfrepair.wire.crc32c import crc32c, unmask
from tfrepair.wire.element_types import STRING, VARIANT, item_bytes

SURE_BYTES = SILENT
"""Up to this size a correction needs no further evidence."""

_TRIED_BYTES = 64
"""Bytes at the beginning of a string tensor in which every bit is tried."""
_TRIED_SIZE = 1 << 24
_ELEMENT_COST = 1 << 12
"""What an element costs when a bit is tried, in bytes of a checksum."""
_MOST_COST = 1 << 33


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
    locate = _bit_in_text if entry.dtype == STRING else _bit_in_variants
    bit = locate(data, entry, header, where)
    if bit is not None:
        return with_bit_flipped(data, bit), bit
    for bit in range(8 * _tried_bytes(data, entry)):
        fixed = with_bit_flipped(data, bit)
        if _fits(fixed, entry, header, where):
            return fixed, bit
    return None


def _tried_bytes(data: memoryview, entry: BundleEntry) -> int:
    """Return how many bytes may hold lengths, as far as trying all of their bits is affordable."""
    if not len(data):
        return 0
    lengths = max(_TRIED_BYTES, entry.elements if entry.dtype == STRING else 0)
    cost = 4 * len(data) + _ELEMENT_COST * entry.elements
    return min(len(data), max(_TRIED_BYTES, min(2 * lengths, _MOST_COST // (8 * cost))))


def _bit_in_variants(
    data: memoryview, entry: BundleEntry, header: BundleHeader, where: str
) -> int | None:
    """Find a flipped bit in a message or its checksum; the lengths are taken as they are."""
    try:
        places = variant_places(data, entry.elements, where)
    except SourceError:
        return None
    actual, nbytes = 0, 0
    for piece in variant_numbers(data, places):
        actual, nbytes = crc32c(piece, actual), nbytes + len(piece)
    bit = locate_bit(nbytes, unmask(entry.crc) ^ actual)
    if bit is None:
        return None
    start = 0
    pieces = variant_numbers(data, places)
    for (at, _), length, piece in zip(places, pieces, pieces, strict=False):
        start += len(length)
        if 8 * start <= bit < 8 * (start + len(piece)):
            found = bit + 8 * (at - start)
            return found if _fits(with_bit_flipped(data, found), entry, header, where) else None
        start += len(piece)
    return None


def _bit_in_text(
    data: memoryview, entry: BundleEntry, header: BundleHeader, where: str
) -> int | None:
    """Find a flipped bit behind the lengths, which keep the checksum's length right."""
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
