"""FarmHash's Fingerprint64, which TensorFlow stores over the files of a SavedModel.

No cryptographic hash: it tells files apart that changed by accident. Knows bytes and numbers
only; :mod:`tfrepair.verify.structure` compares.

Source: the published algorithm (FarmHash 1.1, 64-bit "na" variant) with seed 81 for long inputs;
equal to ``tf.strings.to_hash_bucket_fast`` and to ``fingerprint.pb`` of real exports.
"""

import struct

from tfrepair.wire.crc32c import Buffer

_MASK = 0xFFFFFFFFFFFFFFFF
_K0 = 0xC3A5C85C97CB3127
_K1 = 0xB492B66FBE98F273
_K2 = 0x9AE16A3B2F90404F
_SEED = 81
_STRIPE = struct.Struct("<8Q")

Pair = tuple[int, int]


def fingerprint64(data: Buffer) -> int:
    """Return the fingerprint of a buffer, an unsigned 64-bit number.

    Notes
    -----
    Pure Python: about 20 MB/s.
    """
    size = len(data)
    if size > 64:
        return _long(data, size)
    if size > 32:
        return _up_to_64(data, size)
    if size > 16:
        return _up_to_32(data, size)
    return _up_to_16(data, size)


def _word(data: Buffer, at: int, nbytes: int = 8) -> int:
    return int.from_bytes(data[at : at + nbytes], "little")


def _rotate(value: int, by: int) -> int:
    value &= _MASK
    return (value >> by | value << (64 - by)) & _MASK


def _shift_mix(value: int) -> int:
    value &= _MASK
    return value ^ value >> 47


def _mix(one: int, other: int, factor: int) -> int:
    first = _shift_mix((one ^ other) * factor)
    return _shift_mix((other ^ first) * factor) * factor & _MASK


def _up_to_16(data: Buffer, size: int) -> int:
    factor = _K2 + 2 * size
    if size >= 8:
        head, tail = _word(data, 0) + _K2, _word(data, size - 8)
        return _mix(
            _rotate(tail, 37) * factor + head & _MASK,
            (_rotate(head, 25) + tail) * factor & _MASK,
            factor,
        )
    if size >= 4:
        return _mix(size + (_word(data, 0, 4) << 3), _word(data, size - 4, 4), factor)
    if size > 0:
        low = data[0] + (data[size >> 1] << 8)
        high = size + (data[size - 1] << 2)
        return _shift_mix(low * _K2 ^ high * _K0) * _K2 & _MASK
    return _K2


def _up_to_32(data: Buffer, size: int) -> int:
    factor = _K2 + 2 * size
    a, b = _word(data, 0) * _K1, _word(data, 8)
    c, d = _word(data, size - 8) * factor, _word(data, size - 16) * _K2
    return _mix(
        _rotate(a + b, 43) + _rotate(c, 30) + d & _MASK,
        a + _rotate(b + _K2, 18) + c & _MASK,
        factor,
    )


def _up_to_64(data: Buffer, size: int) -> int:
    factor = _K2 + 2 * size
    a, b = _word(data, 0) * _K2, _word(data, 8)
    c, d = _word(data, size - 8) * factor, _word(data, size - 16) * _K2
    y = _rotate(a + b, 43) + _rotate(c, 30) + d & _MASK
    z = _mix(y, a + _rotate(b + _K2, 18) + c & _MASK, factor)
    e, f = _word(data, 16) * factor, _word(data, 24)
    g = (y + _word(data, size - 32)) * factor
    h = (z + _word(data, size - 24)) * factor
    return _mix(
        _rotate(e + f, 43) + _rotate(g, 30) + h & _MASK,
        e + _rotate(f + a, 18) + g & _MASK,
        factor,
    )


def _weak(words: tuple[int, ...], a: int, b: int) -> Pair:
    a += words[0]
    b = _rotate(b + a + words[3], 21)
    total = a + words[1] + words[2]
    return total + words[3] & _MASK, b + _rotate(total, 44) + a & _MASK


def _long(data: Buffer, size: int) -> int:
    y = _SEED * _K1 + 113 & _MASK
    z = _shift_mix(y * _K2 + 113) * _K2 & _MASK
    x = _SEED * _K2 + _word(data, 0) & _MASK
    v: Pair = (0, 0)
    w: Pair = (0, 0)
    rest = size - 1 & 63
    end = size - 1 - rest
    for at in range(0, end, 64):
        words = _STRIPE.unpack_from(data, at)
        x, y, z, v, w = _stripe(words, x, y, z, v, w, _K1, 1)
    factor = _K1 + ((z & 0xFF) << 1)
    first = w[0] + rest
    v = (v[0] + first & _MASK, v[1])
    w = (first + v[0] & _MASK, w[1])
    x, y, z, v, w = _stripe(_STRIPE.unpack_from(data, size - 64), x, y, z, v, w, factor, 9)
    return _mix(
        _mix(v[0], w[0], factor) + _shift_mix(y) * _K0 + z & _MASK,
        _mix(v[1], w[1], factor) + x & _MASK,
        factor,
    )


def _stripe(
    words: tuple[int, ...], x: int, y: int, z: int, v: Pair, w: Pair, factor: int, weight: int
) -> tuple[int, int, int, Pair, Pair]:
    """Take in 64 bytes; ``weight`` is 9 for the last, overlapping ones."""
    x = _rotate(x + y + v[0] + words[1], 37) * factor & _MASK
    y = _rotate(y + v[1] + words[6], 42) * factor & _MASK
    x ^= w[1] * weight & _MASK
    y = y + v[0] * weight + words[5] & _MASK
    z = _rotate(z + w[0], 33) * factor & _MASK
    v = _weak(words[:4], v[1] * factor, x + w[0])
    w = _weak(words[4:], z + w[1], y + words[2])
    return z, y, x, v, w
