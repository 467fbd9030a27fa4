"""Where a single flipped bit lies, from nothing but two checksums.

CRC-32C and CRC-32 are linear: the difference between the stored and the actual checksum depends
only on which bits differ. One flipped bit gives a power of x modulo the polynomial, and its
exponent, a discrete logarithm, is the bit's distance from the end. Knows no formats; pure.

Source: measured, every single bit of every golden shard is found; ``tests/wire``.
"""

from functools import cache

CRC_32C, CRC_32 = 0x82F63B78, 0xEDB88320
"""Polynomials, bits reversed: the highest power of x is the lowest bit. Zip has the second."""
_ONE = 0x80000000
_BABY_STEPS = 1 << 12
_CRC_BITS = 32

LARGEST = (1 << 28) - 8
"""Bytes up to which a bit's place is unique: powers of x repeat after 2**31 - 1 bits."""

SILENT = 1 << 20
"""Bytes up to which arbitrary damage passes for one flipped bit in less than 1 case of 500."""


def locate_bit(nbytes: int, difference: int, polynomial: int = CRC_32C) -> int | None:
    """Find the one bit whose flip explains a difference of checksums.

    Parameters
    ----------
    nbytes
        Number of bytes under the checksum.
    difference
        Stored checksum xor actual checksum, both unmasked.
    polynomial
        Of the checksum: :data:`CRC_32C` or :data:`CRC_32`.

    Returns
    -------
    Number of the bit, ``8 * byte + place`` with place 0 the lowest, or ``None`` if no single bit
    explains it. Costs about a millisecond for a megabyte, a few tenths of a second at most.

    Notes
    -----
    Arbitrary damage looks like one bit in 8 * ``nbytes`` of 2**32 cases: see
    :func:`chance_of_false_alarm`.
    """
    if not 0 < nbytes <= LARGEST or difference == 0:
        return None
    table = _baby_steps(polynomial)
    back = _multiples(_inverse_power(_BABY_STEPS, polynomial), polynomial)
    value = difference
    for step in range((8 * nbytes + _CRC_BITS) // _BABY_STEPS + 1):
        small = table.get(value)
        if small is not None:
            distance = step * _BABY_STEPS + small - _CRC_BITS
            return 8 * nbytes - 1 - distance if 0 <= distance < 8 * nbytes else None
        value = _times(back, value)
    return None


def chance_of_false_alarm(nbytes: int) -> float:
    """Return how often arbitrary damage of so many bytes looks like one flipped bit."""
    return min(1.0, 8.0 * nbytes / (1 << _CRC_BITS))


def with_bit_flipped(data: bytes | memoryview, bit: int) -> bytes:
    """Return a copy with one bit changed, numbered as :func:`locate_bit` does."""
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def _times_x(value: int, polynomial: int) -> int:
    return value >> 1 ^ (polynomial if value & 1 else 0)


def _multiply(one: int, other: int, polynomial: int) -> int:
    product = 0
    for place in range(_CRC_BITS):
        if one & _ONE >> place:
            product ^= other
        other = _times_x(other, polynomial)
    return product


@cache
def _baby_steps(polynomial: int) -> dict[int, int]:
    """Return exponent by power of x, for the small exponents."""
    table, value = {}, _ONE
    for exponent in range(_BABY_STEPS):
        table[value] = exponent
        value = _times_x(value, polynomial)
    return table


@cache
def _inverse_power(exponent: int, polynomial: int) -> int:
    """Return x to the power of ``-exponent``."""
    value = _ONE
    for _ in range(exponent):
        value = (value ^ polynomial) << 1 | 1 if value & _ONE else value << 1
    return value & 0xFFFFFFFF


@cache
def _multiples(factor: int, polynomial: int) -> tuple[tuple[int, ...], ...]:
    """Return the products of a factor with every byte in each of the four places."""
    return tuple(
        tuple(_multiply(factor, byte << shift, polynomial) for byte in range(256))
        for shift in (0, 8, 16, 24)
    )


def _times(tables: tuple[tuple[int, ...], ...], value: int) -> int:
    one, two, three, four = tables
    return one[value & 255] ^ two[value >> 8 & 255] ^ three[value >> 16 & 255] ^ four[value >> 24]
