"""The first block of an HDF5 file: where it is, and where the file says that it ends.

Knows the superblock only, versions 0 to 3.
What the library answers about a file that is cut or was never finished is one sentence; the
numbers here say which of the two it is.

Source: the HDF5 File Format Specification, "Disk Format: Level 0A"; files of HDF5 1.8 to 1.14.
"""

from collections.abc import Iterator
from dataclasses import dataclass

SIGNATURE = b"\x89HDF\r\n\x1a\n"
_VERSION_AT = len(SIGNATURE)
_UNDEFINED = b"\xff"
_ADDRESS_SIZES = (4, 8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Superblock:
    """What the superblock says.

    Attributes
    ----------
    offset
        Where it begins, in bytes; what lies before belongs to somebody else.
    version
        0 to 3.
    end
        Where the file ends by its own account, in bytes from the beginning of the file.
    """

    offset: int
    version: int
    end: int


def signature_places(size: int) -> Iterator[int]:
    """Yield where the signature may be in a file of ``size`` bytes: 0, 512, 1024, 2048, ..."""
    place = 0
    while place + len(SIGNATURE) <= size:
        yield place
        place = place * 2 or 512


def find_superblock(data: memoryview) -> Superblock | None:
    """Read the superblock of a file.

    Returns
    -------
    What it says; ``None`` if there is no signature, the version is unknown, or the block is cut.
    """
    for place in signature_places(len(data)):
        if data[place : place + len(SIGNATURE)] == SIGNATURE:
            return _read(data, place)
    return None


def _read(data: memoryview, place: int) -> Superblock | None:
    block = bytes(data[place : place + 128])
    if len(block) <= _VERSION_AT + 5:
        return None
    version = block[_VERSION_AT]
    if version <= 1:
        size, first = block[13], 24 if version == 0 else 28
    elif version <= 3:
        size, first = block[9], 12
    else:
        return None
    # The base address, free space or extension, then the end, which counts what lies before.
    end = _address(block, first + 2 * size, size)
    return None if end is None else Superblock(offset=place, version=version, end=end)


def _address(block: bytes, at: int, size: int) -> int | None:
    raw = block[at : at + size]
    if size not in _ADDRESS_SIZES or len(raw) < size or raw == _UNDEFINED * size:
        return None
    return int.from_bytes(raw, "little")


def root_of(data: memoryview, base: int) -> tuple[int, int, int] | None:
    """Return what the superblock says about the root group.

    Parameters
    ----------
    data
        The file.
    base
        Where the superblock begins.

    Returns
    -------
    Addresses of its header, its tree of names and its heap of names, counted from the base; the
    last two are 0 if the superblock has no copy of them. ``None`` if there is no superblock that
    can be read.
    """
    block = bytes(data[base : base + 128])
    if block[: len(SIGNATURE)] != SIGNATURE or len(block) <= _VERSION_AT + 5:
        return None
    version = block[_VERSION_AT]
    size = block[13] if version <= 1 else block[9]
    if version > 3 or size != _ADDRESS_SIZES[1]:
        return None
    if version > 1:
        address = _address(block, 12 + 3 * size, size)
        return None if address is None else (address, 0, 0)
    entry = (24 if version == 0 else 28) + 4 * size
    address = _address(block, entry + size, size)
    if address is None:
        return None
    has_copy = block[entry + 2 * size : entry + 2 * size + 1] == b"\1"
    tree, heap = (_address(block, entry + 24 + size * n, size) or 0 for n in range(2))
    return (address, tree, heap) if has_copy else (address, 0, 0)


def checksum_place(data: memoryview, base: int) -> int | None:
    """Return where the checksum of the superblock lies; ``None`` for versions without one."""
    if len(data) < base + 48 or data[base + _VERSION_AT] not in (2, 3):
        return None
    return base + 12 + 4 * data[base + 9]
