"""Headers of HDF5 objects found by their form, without any list that names them.

A header of version 1 has no signature: its first 16 bytes and the lengths of its messages have to
agree. It may begin at any address that is a multiple of 4. One of version 2 has a signature and a
checksum. What the objects are is up to others.

Source: the HDF5 File Format Specification, "IV.A.1 Data Object Headers"; files of HDF5 1.8 to 1.14,
where an 8-byte grid finds 62 of 182 headers.
"""

import re
from collections.abc import Iterator

import numpy as np

from tfrepair.wire.hdf5_header import number
from tfrepair.wire.lookup3 import lookup3

_STEP = 1 << 24
_PREFIX = 16
_MAX_KIND = 0x18
_MAX_MESSAGES, _MAX_LINKS, _MAX_BYTES = 5000, 8, 1 << 20
_NEW = re.compile(rb"OHDR\x02")


def find_headers(data: memoryview, base: int) -> Iterator[int]:
    """Yield the addresses of all headers that lie whole in the data, in no certain order.

    Parameters
    ----------
    data
        The file; read once from begin to end.
    base
        Where the HDF5 part begins; addresses count from there.
    """
    for start in range(0, len(data), _STEP):
        words = np.frombuffer(data[start : start + _STEP + _PREFIX], np.uint8)
        words = words[: len(words) // 4 * 4].view("<u4")
        if len(words) < 4:
            return
        first, links, size = words[:-3], words[1:-2], words[2:-1]
        likely = (first & 0xFFFF) == 1
        likely &= (links > 0) & (links <= _MAX_LINKS) & (size >= 8) & (size <= _MAX_BYTES)
        for word in np.flatnonzero(likely):
            place = start + 4 * int(word)
            if place < start + _STEP and is_old_header(data, place):
                yield place - base
    for match in _NEW.finditer(data):
        if is_new_header(data, match.start()):
            yield match.start() - base


def is_old_header(data: memoryview, start: int) -> bool:
    """Return whether a whole header of version 1 begins at a byte of the file."""
    if start < 0 or start + _PREFIX > len(data) or data[start] != 1 or data[start + 1] != 0:
        return False
    count, size = number(data, start + 2, 2), number(data, start + 8, 4)
    end = start + _PREFIX + size
    is_likely = 0 < count <= _MAX_MESSAGES and 8 <= size <= _MAX_BYTES and end <= len(data)
    if not is_likely or not 0 < number(data, start + 4, 4) <= _MAX_LINKS:
        return False
    return _walked(data, start + _PREFIX, end, count) == end


def is_cut_header(data: memoryview, start: int) -> bool:
    """Return whether a header of version 1 begins there that the end of the file cuts.

    What its first messages say holds all the same: type, shape and layout come first. Nothing
    but an address in a list should lead here, since so little can be checked.
    """
    if start < 0 or start + _PREFIX > len(data) or data[start] != 1 or data[start + 1] != 0:
        return False
    count, size = number(data, start + 2, 2), number(data, start + 8, 4)
    end = start + _PREFIX + size
    if not 0 < count <= _MAX_MESSAGES or size > _MAX_BYTES or end <= len(data):
        return False
    return _walked(data, start + _PREFIX, end, count) >= len(data) - 8


def _walked(data: memoryview, at: int, end: int, count: int) -> int:
    """Return where the messages of a block end, or where one contradicts the form."""
    found = 0
    while at + 8 <= min(end, len(data)) and found <= count:
        kind, length = number(data, at, 2), number(data, at + 2, 2)
        if kind > _MAX_KIND or length % 8 or any(data[at + 5 : at + 8]):
            return 0
        at += 8 + length
        found += 1
    return at if found <= count else 0


def is_new_header(data: memoryview, start: int) -> bool:
    """Return whether a whole header of version 2, with a checksum that fits, begins there."""
    head = bytes(data[start : start + 6]) if start >= 0 else b""
    if len(head) < 6 or head[:5] != b"OHDR\x02":
        return False
    flags = head[5]
    at = start + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
    width = 1 << (flags & 3)
    end = at + width + number(data, at, width)
    if end + 4 > len(data) or end - start > _MAX_BYTES:
        return False
    return lookup3(data[start:end]) == number(data, end, 4)
