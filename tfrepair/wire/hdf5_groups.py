"""What a group of an HDF5 file lists: names and addresses of objects, as far as they are there.

Old groups have a tree of symbol tables and a heap of names, new ones a message for each link.
Whatever of them is damaged or lies behind the end of the file is left out and counted; nothing
raises. Links by name (soft, external) are not followed.

Source: the HDF5 File Format Specification, "III.A.1 Version 1 B-trees", "III.B Group Symbol
Table Nodes", "III.D Local Heaps", "IV.A.2.g The Link Message".
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from tfrepair.wire.hdf5_header import messages, number

LINK, SYMBOLS = 0x06, 0x11
NOWHERE = (1 << 64) - 1
_TREE, _TABLE, _HEAP = b"TREE", b"SNOD", b"HEAP"
_ENTRY_BYTES = 40
_MAX_NODES = 100_000
_MAX_NAME = 1 << 16
_HARD = 0
_MAX_LEVEL = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Tree and heap of an old group, counted from the base."""

    tree: int
    heap: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One object in a group.

    Attributes
    ----------
    name
        ``None`` if the heap that holds it is damaged.
    name_at
        Its place in that heap; 0 for new groups, which have none.
    address
        Of its header.
    places
        Tree and heap, if it is a group and the entry says so.
    """

    name: bytes | None
    address: int
    places: Places | None = None
    name_at: int = 0


@dataclass(slots=True, kw_only=True)
class Listing:
    """What is left of the list of a group, and how many nodes of its tree are not."""

    entries: list[Entry] = field(default_factory=list)
    lost: int = 0


def places_of(data: memoryview, address: int, base: int) -> Places | None:
    """Return tree and heap from the header of an old group; ``None`` if it is none."""
    for kind, body in messages(data, address, base):
        if kind == SYMBOLS and len(body) >= 16:
            return Places(tree=number(body, 0, 8), heap=number(body, 8, 8))
    return None


def listed(data: memoryview, places: Places, base: int) -> Listing:
    """Go through the tree of an old group."""
    listing = Listing()
    names = Heap.at(data, places.heap, base)
    pending = [places.tree]
    seen: set[int] = set()
    while pending and len(seen) < _MAX_NODES:
        address = pending.pop()
        if address in seen:
            continue
        seen.add(address)
        start = base + address
        mark = bytes(data[start : start + 4])
        if (
            mark == _TREE
            and number(data, start + 4, 1) == 0
            and number(data, start + 5, 1) <= _MAX_LEVEL
        ):
            count = number(data, start + 6, 2)
            children = [number(data, start + 32 + 16 * n, 8) for n in range(count)]
            pending += reversed(children)
        elif mark == _TABLE:
            listing.entries += entries_of(data, start, names)
        else:
            listing.lost += 1
    return listing


def entries_of(data: memoryview, start: int, names: "Heap | None") -> Iterator[Entry]:
    """Yield the entries of one symbol table."""
    for n in range(number(data, start + 6, 2)):
        at = start + 8 + _ENTRY_BYTES * n
        if at + _ENTRY_BYTES > len(data):
            return
        kind = number(data, at + 16, 4)
        if kind > 1:  # 2 is a soft link
            continue
        name_at = number(data, at, 8)
        name = names.name(name_at) if names is not None else None
        places = None
        if kind == 1:
            places = Places(tree=number(data, at + 24, 8), heap=number(data, at + 32, 8))
        address = number(data, at + 8, 8)
        if address not in (0, NOWHERE):
            yield Entry(name=name, address=address, places=places, name_at=name_at)


def linked(data: memoryview, address: int, base: int) -> Listing:
    """Return the hard links in the header of a new group."""
    listing = Listing()
    for kind, body in messages(data, address, base):
        entry = _link(body) if kind == LINK else None
        if entry is not None:
            listing.entries.append(entry)
    return listing


def _link(body: memoryview) -> Entry | None:
    if len(body) < 4 or body[0] != 1:
        return None
    flags, at = body[1], 2
    kind = _HARD
    if flags & 8:
        kind, at = number(body, at, 1), at + 1
    at += (8 if flags & 4 else 0) + (1 if flags & 16 else 0)
    width = 1 << (flags & 3)
    length, at = number(body, at, width), at + width
    name, at = bytes(body[at : at + length]), at + length
    if kind != _HARD or len(name) < length or at + 8 > len(body):
        return None
    return Entry(name=name, address=number(body, at, 8))


@dataclass(frozen=True, slots=True, kw_only=True)
class Heap:
    """The names of an old group."""

    segment: memoryview

    @staticmethod
    def at(data: memoryview, address: int, base: int) -> "Heap | None":
        """Return the heap at an address, which counts from ``base``; ``None`` if none is there."""
        start = base + address
        if bytes(data[start : start + 4]) != _HEAP or start + 32 > len(data):
            return None
        size, place = number(data, start + 8, 8), base + number(data, start + 24, 8)
        return Heap(segment=data[base + place : base + place + size])

    def name(self, offset: int) -> bytes | None:
        """Return the name at an offset; ``None`` if none ends there within bounds."""
        raw = bytes(self.segment[offset : offset + _MAX_NAME])
        name, mark, _ = raw.partition(b"\0")
        return name if mark and name else None
