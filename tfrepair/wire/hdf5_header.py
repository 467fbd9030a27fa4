"""The header of one HDF5 object as a list of messages: type and bytes.

Knows versions 1 and 2 and continuation blocks; what a message means is up to others.

Source: the HDF5 File Format Specification, "IV.A Data Object Headers".
"""

from collections.abc import Iterator

_CONTINUATION = 0x10
_SHARED_MESSAGE = 2
_MAX_BLOCKS = 1000
_MAX_MESSAGES = 100_000


def number(data: memoryview | bytes, at: int, width: int) -> int:
    """Return an unsigned little-endian number; what is missing at the end counts as zeros."""
    return int.from_bytes(data[at : at + width], "little")


def messages(data: memoryview, address: int, base: int) -> Iterator[tuple[int, memoryview]]:
    """Yield type and body of each message, those in continuation blocks included.

    Parameters
    ----------
    data
        The file.
    address
        Where the header begins, counted from ``base``.
    base
        Where the HDF5 part of the file begins.
    """
    start = base + address
    is_new = bytes(data[start : start + 4]) == b"OHDR"
    blocks = [_first_block(data, start, is_new=is_new)]
    tracked = is_new and bool(number(data, start + 5, 1) & 4)
    count = 0
    for begin, length in blocks:
        for kind, body in _in_block(data[begin : begin + length], is_new=is_new, tracked=tracked):
            count += 1
            if count > _MAX_MESSAGES:
                return
            yield kind, body
            if kind == _CONTINUATION and len(blocks) < _MAX_BLOCKS:
                at, size = base + number(body, 0, 8), number(body, 8, 8)
                # In version 2 a block has a signature before and a checksum behind it.
                blocks.append((at + 4, max(0, size - 8)) if is_new else (at, size))


def _first_block(data: memoryview, start: int, *, is_new: bool) -> tuple[int, int]:
    if not is_new:
        return start + 16, number(data, start + 8, 4)
    flags = number(data, start + 5, 1)
    at = start + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
    width = 1 << (flags & 3)
    return at + width, number(data, at, width)


def _in_block(
    block: memoryview, *, is_new: bool, tracked: bool
) -> Iterator[tuple[int, memoryview]]:
    at, head = 0, (6 if tracked else 4) if is_new else 8
    while at + head <= len(block):
        if is_new:
            kind, size, flags = block[at], number(block, at + 1, 2), block[at + 3]
        else:
            kind, size, flags = number(block, at, 2), number(block, at + 2, 2), block[at + 4]
        if not flags & _SHARED_MESSAGE:  # such a message is a reference to one elsewhere
            yield kind, block[at + head : at + head + size]
        at += head + size
