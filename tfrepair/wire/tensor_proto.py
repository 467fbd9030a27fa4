"""Values inside a TensorProto, as the first checkpoint format stores them.

Every element type has a repeated field of its own, packed; the narrow integers share one. Knows
one message; :mod:`tfrepair.wire.saver_v1` finds it. Type and shape come from elsewhere.

Source: tensor.proto, measured on V1 files of TensorFlow 1.4, 1.15 and 2.21; ``tests/golden``.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from tfrepair.core.dtypes import numpy_dtype
from tfrepair.core.errors import Corrupt, Unsupported
from tfrepair.core.tensor import Array
from tfrepair.wire.element_types import NAMES, STRING, type_name
from tfrepair.wire.protobuf import Message

_FLOATS: Mapping[int, tuple[int, str]] = MappingProxyType(
    {1: (5, "<f4"), 2: (6, "<f8"), 8: (9, "<c8"), 18: (12, "<c16")}
)
"""Field and stored form by element type, for values that are stored as they are."""

_VARINTS: Mapping[int, int] = MappingProxyType(
    dict.fromkeys((3, 4, 5, 6, 11, 12, 13, 15, 16, 17), 7)
    | {9: 10, 10: 11, 14: 13, 19: 13, 22: 16, 23: 17}
)
"""Field by element type, for values that are stored as base-128 numbers."""

_HALVES = frozenset({14, 19})
"""Types whose field holds the bits of the number, not its value."""

_STRINGS = 8
_VARINT_BYTES = 10


def tensor_values(message: Message, dtype: int, count: int) -> Array:
    """Return the elements of a TensorProto, as a flat array.

    Parameters
    ----------
    message
        The TensorProto.
    dtype
        Number of its element type.
    count
        Number of elements that the shape announces.

    Raises
    ------
    Corrupt
        If there are more or fewer elements.
    Unsupported
        If the first format cannot hold this type.
    """
    if dtype == STRING:
        found = _strings(message)
    elif dtype in _FLOATS:
        field, stored = _FLOATS[dtype]
        found = _packed(message, field, stored)
    elif dtype in _VARINTS:
        found = _narrowed(unpack_varints(message, _VARINTS[dtype]), dtype)
    else:
        text = f"{message.where}: no field for elements of {type_name(dtype)}"
        raise Unsupported(text)
    if found.size != count:
        text = f"{message.where}: {found.size} elements, the shape announces {count}"
        raise Corrupt(text)
    return found


def _strings(message: Message) -> Array:
    items = [bytes(raw) for raw in message.raws(_STRINGS)]
    array = np.empty(len(items), object)
    array[:] = items
    return array


def _packed(message: Message, field: int, stored: str) -> Array:
    dtype = np.dtype(stored)
    pieces = message.raws(field)
    if any(len(piece) % dtype.itemsize for piece in pieces):
        text = f"{message.where}: field {field} ends inside an element"
        raise Corrupt(text)
    arrays = [np.frombuffer(piece, dtype) for piece in pieces]
    native = dtype.newbyteorder("=")
    if len(arrays) == 1:
        return arrays[0].astype(native, copy=False)
    return np.concatenate(arrays).astype(native) if arrays else np.empty(0, native)


def _narrowed(values: Array, dtype: int) -> Array:
    target = numpy_dtype(NAMES[dtype])
    if dtype in _HALVES:
        return values.astype(np.uint16).view(target)
    return values.view(np.int64).astype(target) if target.kind != "u" else values.astype(target)


def unpack_varints(message: Message, field: int) -> Array:
    """Return the numbers of a packed field, as ``uint64``.

    Raises
    ------
    Corrupt
        If the bytes end inside a number, or one is longer than 10 bytes.
    """
    pieces = [np.frombuffer(raw, np.uint8) for raw in message.raws(field)]
    data = np.concatenate(pieces) if pieces else np.empty(0, np.uint8)
    ends = np.flatnonzero(data < 0x80)
    if data.size and (not ends.size or ends[-1] != data.size - 1):
        text = f"{message.where}: field {field} ends inside a number"
        raise Corrupt(text)
    starts = np.concatenate([np.zeros(min(1, ends.size), ends.dtype), ends[:-1] + 1])
    sizes = ends - starts + 1
    if sizes.size and sizes.max() > _VARINT_BYTES:
        text = f"{message.where}: field {field} holds a number of {sizes.max()} bytes"
        raise Corrupt(text)
    values = np.zeros(ends.size, np.uint64)
    for place in range(int(sizes.max()) if sizes.size else 0):
        has = sizes > place
        part = data[starts[has] + place].astype(np.uint64) & np.uint64(0x7F)
        values[has] |= part << np.uint64(7 * place)
    return values
