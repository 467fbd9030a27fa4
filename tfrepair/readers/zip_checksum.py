"""What the checksum of a zip member says about the arrays in it.

An archive has one CRC-32 for all weights. If it does not fit, the one flipped bit that would
explain it is looked for: then it is known which array it hit, and every other one is as it was.
Otherwise some array changed, and nothing says which: all are kept, and none is vouched for.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from tfrepair.core.errors import SourceError
from tfrepair.core.findings import Finding, Severity
from tfrepair.core.tensor import Array, Health, Tensor
from tfrepair.readers.h5_bytes import H5Bytes
from tfrepair.wire.bit_repair import (
    CRC_32,
    LARGEST,
    SILENT,
    chance_of_false_alarm,
    locate_bit,
    with_bit_flipped,
)

SMALL = 1 << 24
"""Bytes up to which a member is compared as soon as it is opened: some hundredths of a second."""
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A member and its checksum.

    Attributes
    ----------
    note
        What does not fit; empty if it fits.
    bit
        The one flipped bit that explains it, counted from the member's begin, or ``None``.
    chance
        How often other damage of so many bytes looks like one flipped bit.
    """

    note: str = ""
    bit: int | None = None
    chance: float = 0.0

    @property
    def is_sure(self) -> bool:
        """True if other damage hardly ever looks like the bit that was found."""
        return self.bit is not None and self.chance <= chance_of_false_alarm(SILENT)


def compare(source: H5Bytes, expected: int) -> Comparison:
    """Compare the checksum of a member; reads all of it.

    Parameters
    ----------
    source
        The member, uncompressed.
    expected
        Its CRC-32 in the archive.
    """
    found = 0
    data = source.view()
    for start in range(0, len(data), _BLOCK):
        found = zlib.crc32(data[start : start + _BLOCK], found)
    if found == expected:
        return Comparison()
    text = (
        f"the checksum of {source.member} in the archive does not fit (CRC-32 {expected:08x}, "
        f"found {found:08x})"
    )
    bit = locate_bit(len(data), expected ^ found, CRC_32) if len(data) <= LARGEST else None
    if bit is None:
        return Comparison(note=f"{text}: some of its {len(data)} bytes changed, none says which")
    chance = chance_of_false_alarm(len(data))
    place = source.start + bit // 8
    note = f"{text}: one flipped bit explains it, bit {bit % 8} of byte {place} of the archive"
    if chance > chance_of_false_alarm(SILENT):
        note += f"; other damage looks like this in {chance:.1%} of cases"
    return Comparison(note=note, bit=bit, chance=chance)


def mended(source: H5Bytes, comparison: Comparison) -> H5Bytes:
    """Return the member with its flipped bit set right, in memory."""
    if comparison.bit is None:
        return source
    held = with_bit_flipped(source.view(), comparison.bit)
    return replace(source, held=held, is_mended=True)


def finding_of(comparison: Comparison, where: str) -> Finding:
    """Return what there is to say about a member whose checksum does not fit."""
    if comparison.is_sure:
        return Finding(
            code="bit-corrected",
            severity=Severity.WARNING,
            where=where,
            message=f"{comparison.note}: it was set right in memory",
            remedy="tfrepair repair writes the archive anew; the source stays as it is",
        )
    return Finding(
        code="archive-checksum",
        severity=Severity.WARNING,
        where=where,
        message=f"{comparison.note}; the values are kept, and none of them is vouched for",
        remedy="compare with another copy: tfrepair diff A B; look at --stats for values that "
        "stand out",
    )


def vouched(tensors: tuple[Tensor, ...], source: H5Bytes, known: Comparison) -> list[Tensor]:
    """Return tensors of a member that has been compared, and set right where one bit explains it.

    Parameters
    ----------
    tensors
        Read from the mended bytes.
    source
        The member.
    known
        What came of the comparison.
    """
    health = Health.VERIFIED if not known.note or known.is_sure else Health.UNVERIFIED

    def told(tensor: Tensor) -> Tensor:
        if not tensor.is_whole:
            return tensor
        if known.is_sure and _is_hit(tensor, source, known.bit):
            return _with(tensor, Health.CORRECTED, known.note)
        return _with(tensor, health, "" if health is Health.VERIFIED else known.note)

    return [told(tensor) for tensor in tensors]


def _with(tensor: Tensor, health: Health, note: str) -> Tensor:
    own = tensor.examine
    if own is None:
        return replace(tensor, health=health, health_note=note)

    def examine() -> tuple[Health, str]:
        found, why = own()
        return (found, why) if found in (Health.CORRUPT, Health.TRUNCATED) else (health, note)

    return replace(tensor, examine=examine)


def _is_hit(tensor: Tensor, source: H5Bytes, bit: int | None) -> bool:
    offset = tensor.origin.offset
    if bit is None or offset is None:
        return False
    return offset <= source.start + bit // 8 < offset + tensor.nbytes


def compared_later(tensors: tuple[Tensor, ...], source: H5Bytes, expected: int) -> list[Tensor]:
    """Return tensors that compare the checksum of a large member when they are examined.

    A located bit is named and not set right: in so many bytes other damage looks like one.
    """

    @cache
    def known() -> Comparison:
        return compare(source, expected)

    def examined(tensor: Tensor) -> Callable[[], tuple[Health, str]]:
        own = tensor.examine

        def examine() -> tuple[Health, str]:
            health, why = own() if own is not None else (Health.VERIFIED, "")
            if health in (Health.CORRUPT, Health.TRUNCATED):
                return health, why
            comparison = known()
            if not comparison.note:
                return Health.VERIFIED, ""
            if _is_hit(tensor, source, comparison.bit) and _stands_out(tensor, comparison, source):
                return Health.CORRUPT, comparison.note
            return Health.UNVERIFIED, comparison.note

        return examine

    return [replace(t, examine=examined(t)) if t.is_whole else t for t in tensors]


def _stands_out(tensor: Tensor, comparison: Comparison, source: H5Bytes) -> bool:
    """Return whether the element that a bit lies in is not finite, or far from all others."""
    offset, bit = tensor.origin.offset, comparison.bit
    try:
        values: Array = np.abs(tensor.fetch().astype(np.float64)).reshape(-1)
    except (SourceError, TypeError, ValueError):
        return True
    if offset is None or bit is None or not values.size:
        return True
    place = (source.start + bit // 8 - offset) * values.size // max(1, tensor.nbytes)
    others = np.delete(values, place)
    largest = float(np.max(others, where=np.isfinite(others), initial=0.0))
    return not np.isfinite(values[place]) or bool(values[place] > _FAR * largest)


_FAR = 1000.0
"""A flipped bit of an exponent makes a value that many times larger than all others."""
