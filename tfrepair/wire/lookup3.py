"""Bob Jenkins' ``lookup3``: the checksum of HDF5 metadata from version 2 of the superblock on.

Source: ``lookup3.c`` of Bob Jenkins, May 2006, public domain (``hashlittle``); files that h5py
writes with ``libver="latest"``.
"""

_MASK = 0xFFFFFFFF
_START = 0xDEADBEEF


def lookup3(data: bytes | memoryview) -> int:
    """Return the checksum of some bytes, as HDF5 stores it (start value 0)."""
    raw = bytes(data)
    a = b = c = (_START + len(raw)) & _MASK
    if not raw:
        return c
    at = 0
    while len(raw) - at > 12:
        a = (a + int.from_bytes(raw[at : at + 4], "little")) & _MASK
        b = (b + int.from_bytes(raw[at + 4 : at + 8], "little")) & _MASK
        c = (c + int.from_bytes(raw[at + 8 : at + 12], "little")) & _MASK
        a, b, c = _mixed(a, b, c)
        at += 12
    a = (a + int.from_bytes(raw[at : at + 4], "little")) & _MASK
    b = (b + int.from_bytes(raw[at + 4 : at + 8], "little")) & _MASK
    c = (c + int.from_bytes(raw[at + 8 : at + 12], "little")) & _MASK
    return _final(a, b, c)


def _turned(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (32 - bits))) & _MASK


def _mixed(a: int, b: int, c: int) -> tuple[int, int, int]:
    a, c = ((a - c) & _MASK) ^ _turned(c, 4), (c + b) & _MASK
    b, a = ((b - a) & _MASK) ^ _turned(a, 6), (a + c) & _MASK
    c, b = ((c - b) & _MASK) ^ _turned(b, 8), (b + a) & _MASK
    a, c = ((a - c) & _MASK) ^ _turned(c, 16), (c + b) & _MASK
    b, a = ((b - a) & _MASK) ^ _turned(a, 19), (a + c) & _MASK
    c, b = ((c - b) & _MASK) ^ _turned(b, 4), (b + a) & _MASK
    return a, b, c


def _final(a: int, b: int, c: int) -> int:
    c = ((c ^ b) - _turned(b, 14)) & _MASK
    a = ((a ^ c) - _turned(c, 11)) & _MASK
    b = ((b ^ a) - _turned(a, 25)) & _MASK
    c = ((c ^ b) - _turned(b, 16)) & _MASK
    a = ((a ^ c) - _turned(c, 4)) & _MASK
    b = ((b ^ a) - _turned(a, 14)) & _MASK
    return ((c ^ b) - _turned(b, 24)) & _MASK
