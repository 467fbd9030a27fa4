"""What the header of one HDF5 dataset says: element type, shape, and where its bytes lie.

Knows the types of numbers that NumPy has, layouts of versions 3 and 4, and the pipeline of
filters. Reads messages only; no byte of the data is looked at.

Source: the HDF5 File Format Specification, "IV.A.2.b The Dataspace Message", "IV.A.2.d The
Datatype Message", "IV.A.2.i The Data Layout Message", "IV.A.2.l The Filter Pipeline Message".
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from tfrepair.wire.hdf5_header import messages, number

SPACE, TYPE, EXTERNAL, LAYOUT, FILTERS = 0x01, 0x03, 0x07, 0x08, 0x0B
_NOWHERE = (1 << 64) - 1
_MAX_RANK = 32
_FLOATS: Mapping[tuple[int, ...], str] = {
    # size, place and bits of the exponent, place and bits of the mantissa, bias
    (2, 10, 5, 0, 10, 15): "float16",
    (4, 23, 8, 0, 23, 127): "float32",
    (8, 52, 11, 0, 52, 1023): "float64",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementType:
    """A type of numbers.

    Attributes
    ----------
    name
        As NumPy calls it; ``opaque`` for two raw bytes, as Keras stores bfloat16.
    size
        Bytes of one element.
    is_big_endian
        True if the highest byte comes first.
    """

    name: str
    size: int
    is_big_endian: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunks:
    """Where the tree of chunks begins, their shape, and the filters they went through.

    ``filters`` are their numbers in the order in which they were applied.
    """

    tree: int
    shape: tuple[int, ...]
    filters: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDataset:
    """What a header says.

    Attributes
    ----------
    address
        Of the header, counted from the base.
    kind
        Type of its elements; ``None`` if it is no array of numbers.
    shape
        Lengths of the axes.
    offset
        Where the bytes lie as they are, counted from the base; ``None`` for chunks, and if none
        was ever written.
    stored
        Bytes that the layout gives to them.
    chunks
        Of a chunked dataset.
    held
        The bytes themselves, if they lie in the header.
    is_outside
        True if the data lies in other files.
    """

    address: int
    kind: ElementType | None
    shape: tuple[int, ...]
    offset: int | None
    stored: int
    chunks: Chunks | None = None
    held: bytes | None = field(default=None, repr=False)
    is_outside: bool = False

    @property
    def nbytes(self) -> int:
        """Bytes of the array; 0 if its type is not known."""
        return math.prod(self.shape) * self.kind.size if self.kind is not None else 0


def read_dataset_header(data: memoryview, address: int, base: int) -> StoredDataset | None:
    """Read the header of a dataset.

    Returns
    -------
    What it says; ``None`` if it lacks a type, a shape or a layout, or one of them is damaged.
    """
    found: dict[int, memoryview] = {}
    for which, body in messages(data, address, base):
        found.setdefault(which, body)
    if not {SPACE, TYPE, LAYOUT} <= found.keys():
        return None
    shape = read_shape(found[SPACE])
    layout = found[LAYOUT]
    if shape is None or len(layout) < 4 or layout[0] not in (3, 4):
        return None
    kind = read_type(found[TYPE])
    outside = EXTERNAL in found
    match layout[1]:  # 0 in the header, 1 in one piece, 2 in chunks
        case 1 if len(layout) >= 18:
            place, stored = number(layout, 2, 8), number(layout, 10, 8)
            return StoredDataset(
                address=address,
                kind=kind,
                shape=shape,
                offset=None if place == _NOWHERE or outside else place,
                stored=stored,
                is_outside=outside,
            )
        case 0:
            stored = number(layout, 2, 2)
            held = bytes(layout[4 : 4 + stored])
            return StoredDataset(
                address=address, kind=kind, shape=shape, offset=None, stored=stored, held=held
            )
        case 2 if layout[0] == 3:
            chunks = _chunks(layout, found.get(FILTERS))
            if chunks is None or len(chunks.shape) != len(shape):
                return None
            return StoredDataset(
                address=address, kind=kind, shape=shape, offset=None, stored=0, chunks=chunks
            )
        case _:
            return None


def read_shape(body: memoryview) -> tuple[int, ...] | None:
    """Return the lengths of the axes of a dataspace; ``None`` if it is empty or damaged."""
    if len(body) < 4 or body[0] not in (1, 2) or body[1] > _MAX_RANK:
        return None
    if body[0] == 2 and body[3] == 2:  # a null space
        return None
    start = 8 if body[0] == 1 else 4
    rank = body[1]
    if len(body) < start + 8 * rank:
        return None
    return tuple(number(body, start + 8 * axis, 8) for axis in range(rank))


def read_type(body: memoryview) -> ElementType | None:
    """Return the type of numbers that a message describes; ``None`` for every other type."""
    if len(body) < 8 or not 1 <= body[0] >> 4 <= 4:
        return None
    size, is_big = number(body, 4, 4), bool(body[1] & 1)
    match body[0] & 15:  # 0 whole numbers, 1 floating point, 5 opaque, 8 enumerations
        case 0 if len(body) >= 12 and size in (1, 2, 4, 8):
            if number(body, 8, 2) or number(body, 10, 2) != 8 * size:
                return None
            sign = "int" if body[1] & 8 else "uint"
            return ElementType(name=f"{sign}{8 * size}", size=size, is_big_endian=is_big)
        case 1 if len(body) >= 20:
            if number(body, 8, 2) or number(body, 10, 2) != 8 * size or body[1] & 0x40:
                return None
            name = _FLOATS.get((size, *body[12:16], number(body, 16, 4)))
            return ElementType(name=name, size=size, is_big_endian=is_big) if name else None
        case 5 if size == 2:
            return ElementType(name="opaque", size=2)
        case 8 if size == 1 and b"FALSE\0" in bytes(body) and b"TRUE\0" in bytes(body):
            return ElementType(name="bool", size=1)
        case _:
            return None


def _chunks(layout: memoryview, pipeline: memoryview | None) -> Chunks | None:
    rank = layout[2] - 1
    if not 0 < rank <= _MAX_RANK or len(layout) < 11 + 4 * (rank + 1):
        return None
    shape = tuple(number(layout, 11 + 4 * axis, 4) for axis in range(rank))
    filters = _filters(pipeline) if pipeline is not None else ()
    if filters is None or not all(shape):
        return None
    return Chunks(tree=number(layout, 3, 8), shape=shape, filters=filters)


def _filters(body: memoryview) -> tuple[int, ...] | None:
    if len(body) < 2 or body[0] not in (1, 2):
        return None
    found = []
    at = 8 if body[0] == 1 else 2
    for _ in range(body[1]):
        if at + 8 > len(body):
            return None
        which = number(body, at, 2)
        has_name = body[0] == 1 or which >= 256
        length = number(body, at + 2, 2) if has_name else 0
        values = number(body, at + (6 if has_name else 4), 2)
        at += (8 if has_name else 6) + length + 4 * values
        if body[0] == 1 and values % 2:
            at += 4
        found.append(which)
    return tuple(found)
