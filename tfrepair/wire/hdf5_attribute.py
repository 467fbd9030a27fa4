"""Attributes of one HDF5 object: texts, lists of texts and whole numbers, read without the library.

The HDF5 library copies a text once for each reference to it, and does not come back from a damaged
heap of texts; both are bounded here. Knows object headers of versions 1 and 2, the attribute
message and the heap that texts of variable length lie in. Attributes in other places, which need
more than 64 kB in a new style of file, are not found.

Source: the HDF5 File Format Specification, "IV.A Data Object Headers", "III.E Global Heap";
``tests/golden/keras`` holds texts of fixed and of variable length.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from tfrepair.core.errors import Corrupt, OverLimit
from tfrepair.wire.hdf5_header import messages, number

Value = str | int | tuple[str, ...]

_ATTRIBUTE = 0x0C
_INTEGER, _STRING, _VARIABLE = 0, 3, 9
_TEXT = 1
_REFERENCE_BYTES = 16
_HEAP_HEAD = 16
_SHARED = 3
_PADDED, _NEWEST = 1, 3
_SMALLEST_TYPE = 8
_MAX_ITEMS = 1 << 20
_MAX_BYTES = 1 << 28
"""Memory that the texts of one attribute may take; the longest real ones have a few megabytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredAttribute:
    """An attribute as it lies in the header.

    Attributes
    ----------
    name
        Its name.
    kind
        The bytes that describe its type.
    count
        Number of its items; ``None`` for a single value.
    raw
        The bytes of its value.
    """

    name: str
    kind: bytes
    count: int | None
    raw: memoryview


def stored_attributes(data: memoryview, address: int, base: int) -> Iterator[StoredAttribute]:
    """Yield the attributes in an object's header; none of their values is looked at.

    Parameters
    ----------
    data
        The file.
    address
        Where the header begins, counted from ``base``.
    base
        Where the HDF5 part of the file begins.
    """
    for kind, body in messages(data, address, base):
        if kind == _ATTRIBUTE:
            found = _attribute(body)
            if found is not None:
                yield found


def attribute_value(attribute: StoredAttribute, data: memoryview, base: int) -> Value:
    """Read a text, a list of texts or a number.

    Raises
    ------
    Corrupt
        If its bytes contradict each other, or it is of another type.
    OverLimit
        If it has too many items, or they take too many bytes.
    """
    count = 1 if attribute.count is None else attribute.count
    if count > _MAX_ITEMS:
        message = f"attribute {attribute.name}: {count} items, the limit is {_MAX_ITEMS}"
        raise OverLimit(message)
    kind, size = attribute.kind[0] & 15, number(attribute.kind, 4, 4)
    if count == 0:
        return ()
    if len(attribute.raw) < count * size:
        message = f"attribute {attribute.name}: {count * size} bytes, found {len(attribute.raw)}"
        raise Corrupt(message)
    if kind == _INTEGER and attribute.count is None:
        is_signed = bool(attribute.kind[1] & 8)
        if attribute.kind[1] & 1:
            return int.from_bytes(attribute.raw[:size], "big", signed=is_signed)
        return int.from_bytes(attribute.raw[:size], "little", signed=is_signed)
    items = [attribute.raw[place * size : (place + 1) * size] for place in range(count)]
    if kind == _STRING:
        texts = tuple(_decoded(bytes(item)) for item in items)
    elif kind == _VARIABLE and attribute.kind[1] & 15 == _TEXT and size == _REFERENCE_BYTES:
        texts = _heap_texts(attribute.name, items, data, base)
    else:
        message = f"attribute {attribute.name}: of type class {kind}, expected text"
        raise Corrupt(message)
    return texts[0] if attribute.count is None else texts


def _attribute(body: memoryview) -> StoredAttribute | None:
    if len(body) < _SMALLEST_TYPE or not _PADDED <= body[0] <= _NEWEST:
        return None
    version = body[0]
    sizes = [number(body, at, 2) for at in (2, 4, 6)]
    if version > _PADDED and body[1] & _SHARED:
        return None
    places = [size + -size % 8 for size in sizes] if version == _PADDED else sizes
    at = 9 if version == _NEWEST else 8
    kind_at = at + places[0]
    space_at = kind_at + places[1]
    kind = bytes(body[kind_at : kind_at + sizes[1]])
    space = body[space_at : space_at + sizes[2]]
    if len(kind) < _SMALLEST_TYPE or len(space) < 4:  # the shortest space is a scalar's
        return None
    return StoredAttribute(
        name=_decoded(bytes(body[at : at + sizes[0]])),
        kind=kind,
        count=_count(space),
        raw=body[space_at + places[2] :],
    )


def _count(space: memoryview) -> int | None:
    """Return the number of items of a space, ``None`` for a single value."""
    version, rank = space[0], space[1]
    start = 8 if version == 1 else 4
    is_empty = version > 1 and space[3] == 2
    if rank == 0:
        return 0 if is_empty else None
    count = 1
    for axis in range(rank):
        count *= number(space, start + 8 * axis, 8)
    return count


def _heap_texts(name: str, items: list[memoryview], data: memoryview, base: int) -> tuple[str, ...]:
    total = sum(number(item, 0, 4) for item in items)
    if total > _MAX_BYTES:
        message = f"attribute {name}: texts of {total} bytes, the limit is {_MAX_BYTES}"
        raise OverLimit(message)
    heaps: dict[int, dict[int, memoryview]] = {}
    texts = []
    for item in items:
        length, place, index = number(item, 0, 4), number(item, 4, 8), number(item, 12, 4)
        if length == 0:
            texts.append("")
            continue
        if place not in heaps:
            heaps[place] = _heap(data, base + place)
        held = heaps[place].get(index)
        if held is None or len(held) < length:
            message = f"attribute {name}: no text {index} of {length} bytes at byte {base + place}"
            raise Corrupt(message)
        texts.append(_decoded(bytes(held[:length])))
    return tuple(texts)


def _heap(data: memoryview, start: int) -> dict[int, memoryview]:
    """Return the objects of one heap by number."""
    size = number(data, start + 8, 8)
    if bytes(data[start : start + 4]) != b"GCOL" or start + size > len(data):
        return {}
    found = {}
    at, end = start + _HEAP_HEAD, start + size
    while at + _HEAP_HEAD <= end:
        index, length = number(data, at, 2), number(data, at + 8, 8)
        if index == 0 or at + _HEAP_HEAD + length > end:
            break
        found[index] = data[at + _HEAP_HEAD : at + _HEAP_HEAD + length]
        at += _HEAP_HEAD + length + -length % 8
    return found


def _decoded(raw: bytes) -> str:
    return raw.split(b"\0")[0].decode("utf-8", "backslashreplace")
