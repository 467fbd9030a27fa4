"""Keys of slices: a tensor's name and a part of it, in bytes that sort as the parts do.

Both checkpoint formats store the parts of partitioned variables under such keys, and the first
format every tensor. Knows one key at a time, in both directions;
:mod:`tfrepair.wire.slices` joins what lies behind them.

Source: ordered_code, measured on partitioned checkpoints of TensorFlow 1.4 to 2.21; tests/golden.
"""

from tfrepair.core.errors import Corrupt
from tfrepair.wire.bundle import Extent, Slice

_END = b"\x00\x01"
_ZERO, _ONES = b"\x00\xff", b"\xff\x00"
_ESCAPED = {0x00: _ZERO, 0xFF: _ONES}
_KIND = 0
_WHOLE = -1
"""Length of an axis that is not cut."""
_MAX_RANK = 254
_MAX_SIGNED_BYTES = 10


def is_slice_key(key: bytes) -> bool:
    """Say whether a key names a part of a tensor: such keys start with a zero byte."""
    return key[:1] == b"\0"


def encode_slice_key(name: str, part: Slice) -> bytes:
    """Write the key of a part.

    Parameters
    ----------
    name
        Name of the whole tensor.
    part
        One extent for each axis.
    """
    raw = name.encode("utf-8", "surrogateescape")
    text = b"".join(_ESCAPED.get(byte, bytes([byte])) for byte in raw)
    out = _number(_KIND) + text + _END + _number(len(part))
    for extent in part:
        length = _WHOLE if extent.length is None else extent.length
        out += _signed(extent.start) + _signed(length)
    return out


def decode_slice_key(key: bytes, where: str) -> tuple[str, Slice]:
    """Read the key of a part: name of the whole tensor, and one extent for each axis.

    Raises
    ------
    Corrupt
        If the bytes are no such key.
    """
    try:
        name, part, end = _read_key(key)
    except IndexError:
        name, part, end = "", (), -1
    if end != len(key):
        message = f"{where}: {key[:80]!r} is no key of a slice"
        raise Corrupt(message)
    return name, part


def _read_key(key: bytes) -> tuple[str, Slice, int]:
    kind, at = _read_number(key, 0)
    name, at = _read_text(key, at)
    rank, at = _read_number(key, at)
    if kind != _KIND or rank > _MAX_RANK:
        raise IndexError
    extents = []
    for _ in range(rank):
        start, at = _read_signed(key, at)
        length, at = _read_signed(key, at)
        extents.append(Extent(start=start, length=None if length == _WHOLE else length))
    return name, tuple(extents), at


def _number(value: int) -> bytes:
    """Write an unsigned number: how many bytes, then the bytes, most significant first."""
    size = (value.bit_length() + 7) // 8
    return bytes([size]) + value.to_bytes(size, "big")


def _read_number(key: bytes, at: int) -> tuple[int, int]:
    end = at + 1 + key[at]
    if end > len(key):
        raise IndexError
    return int.from_bytes(key[at + 1 : end], "big"), end


def _read_text(key: bytes, at: int) -> tuple[str, int]:
    out = bytearray()
    while True:
        byte = key[at]
        if byte not in _ESCAPED:
            out.append(byte)
            at += 1
            continue
        pair = key[at : at + 2]
        at += 2
        if pair == _END:
            return out.decode("utf-8", "surrogateescape"), at
        if pair not in (_ZERO, _ONES):
            raise IndexError
        out.append(byte)


def _signed(value: int) -> bytes:
    """Write a signed number: as many leading ones as bytes, a zero, then 7 bits for each byte.

    A negative number is the complement, all bits inverted, so that it sorts before.
    """
    magnitude = ~value if value < 0 else value
    size = magnitude.bit_length() // 7 + 1
    bits = (1 << size) - 1 << 7 * size | magnitude
    if value < 0:
        bits ^= (1 << 8 * size) - 1
    return bits.to_bytes(size, "big")


def _read_signed(key: bytes, at: int) -> tuple[int, int]:
    flip = 0 if key[at] & 0x80 else 0xFFFF
    head = (key[at] << 8 | (key[at + 1] if at + 1 < len(key) else 0)) ^ flip
    size = 16 - (~head & 0xFFFF).bit_length()
    if size > _MAX_SIGNED_BYTES or at + size > len(key):
        raise IndexError
    bits = int.from_bytes(key[at : at + size], "big")
    if flip:
        bits ^= (1 << 8 * size) - 1
    magnitude = bits & (1 << 7 * size) - 1
    return (~magnitude if flip else magnitude), at + size
