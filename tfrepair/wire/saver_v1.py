"""The first checkpoint format of ``tf.train.Saver``: one table for each shard, values included.

The entry of the empty key lists the tensors of the shard and their slices; every slice has an
entry of its own under its key (:mod:`tfrepair.wire.ordered_code`). There is no checksum but the
blocks'. Knows one shard; :mod:`tfrepair.readers.saver_v1` joins several.

Source: saved_tensor_slice.proto, measured on TensorFlow 1.4, 1.15 and 2.21; ``tests/golden``.
"""

import math
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tfrepair.core.errors import Corrupt, SourceError, Truncated
from tfrepair.core.plausibility import is_plausible
from tfrepair.core.tensor import Array, Shape
from tfrepair.wire.bundle import Slice, decode_shape, decode_slice
from tfrepair.wire.crc32c import Buffer
from tfrepair.wire.element_types import type_name
from tfrepair.wire.ordered_code import encode_slice_key
from tfrepair.wire.protobuf import (
    Message,
    bytes_field,
    parse,
    read_fields,
    read_varint,
    varint_field,
)
from tfrepair.wire.slices import show_slice, slice_shape
from tfrepair.wire.tensor_proto import tensor_values

HEADER_KEY = b""
_FIELD_1 = b"\x0a"
"""Tag of field 1 as bytes: in a header, the list, in it a tensor, in that its name."""


class Values(Protocol):
    """A shard: a table, or what a scan found of one."""

    @property
    def where(self) -> str:
        """Name of the file."""

    @property
    def corrections(self) -> Sequence[str]:
        """Flipped bits that were corrected so far."""

    def correction_of(self, key: bytes) -> str:
        """Return what was corrected in the block of a key, or nothing."""

    def uncorrected(self, key: bytes) -> memoryview | None:
        """Return the value before its correction, if the checksum alone does not prove that."""

    def find(self, key: bytes) -> memoryview | None:
        """Return the value of a key, or ``None``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlicedTensor:
    """What a shard says about one tensor: type, shape of the whole, its slices in this shard."""

    name: str
    dtype: int
    shape: Shape
    slices: tuple[Slice, ...]


def read_header(data: Buffer, where: str) -> tuple[SlicedTensor, ...]:
    """Read the list of a shard's tensors.

    Raises
    ------
    Corrupt
        If the bytes are none.
    """
    meta = parse(data, where).message(1)
    return tuple(_tensor(message) for message in meta.messages(1))


def header_with(data: Buffer, names: Container[str], where: str) -> bytes:
    """Return a shard's list of tensors with some of them only, otherwise byte for byte as it is.

    Raises
    ------
    Corrupt
        If the bytes are no such list.
    """
    outer = b""
    for number, value in read_fields(data, where):
        if number != 1 or isinstance(value, int):
            outer += _as_it_was(number, value)
            continue
        inner = b""
        for field, part in read_fields(value, where):
            is_tensor = field == 1 and not isinstance(part, int)
            if is_tensor and _name_of(part, where) not in names:
                continue
            inner += _as_it_was(field, part)
        outer += bytes_field(1, inner)
    return outer


def _name_of(value: int | memoryview, where: str) -> str:
    return "" if isinstance(value, int) else parse(value, where).text(1)


def _as_it_was(number: int, value: int | memoryview) -> bytes:
    if isinstance(value, int):
        return varint_field(number, value)
    return bytes_field(number, bytes(value))


def _tensor(message: Message) -> SlicedTensor:
    name = message.text(1)
    return SlicedTensor(
        name=name,
        dtype=message.uint(3),
        shape=decode_shape(message.message(2), f"{message.where} of {name}"),
        slices=tuple(decode_slice(part) for part in message.messages(4)),
    )


def begins_like_header(head: bytes) -> bool:
    """Say whether a file begins as a shard does; for files whose end is lost.

    Parameters
    ----------
    head
        The first bytes; a few hundred are enough, as only the first tensor is looked at.
    """
    data = memoryview(head)
    if bytes(data[:2]) != b"\0\0":  # no key is shared, and the key is empty
        return False
    try:
        size, at = read_varint(data, 2, "head")
        for _ in range(3):  # list of tensors, first tensor, its name
            inner, at = _nested(data, at)
            if not 0 < inner < size:
                return False
            size = inner
    except Corrupt:
        return False
    name = bytes(data[at : at + size])
    return len(name) == size and name.isascii() and name.decode().isprintable()


def _nested(data: memoryview, at: int) -> tuple[int, int]:
    """Return the size of field 1 at an offset, and where its bytes begin; size 0 for others."""
    if bytes(data[at : at + 1]) != _FIELD_1:
        return 0, at
    return read_varint(data, at + 1, "head")


def open_header(table: Values) -> tuple[SlicedTensor, ...]:
    """Find and read the list of a shard's tensors; reads one block.

    Raises
    ------
    SourceError
        If it is damaged or missing.
    """
    data = table.find(HEADER_KEY)
    if data is None:
        message = f"{table.where}: a table without a list of tensors: no checkpoint"
        raise Corrupt(message)
    return read_header(data, f"{table.where}, list of tensors")


def read_slice(table: Values, tensor: SlicedTensor, part: Slice) -> Array:
    """Read one slice; reads one block and verifies its checksum.

    Raises
    ------
    SourceError
        If the slice is missing or damaged, or a correction that the checksum does not prove
        would make an element stand out.
    """
    where = f"{table.where}, {tensor.name}"
    key = encode_slice_key(tensor.name, part)
    data = table.find(key)
    if data is None:
        message = f"{where}: listed, but the values of {show_slice(part)} are not there"
        raise Truncated(message)
    array = decode_slice_value(data, tensor, part, where)
    before = table.uncorrected(key)
    if before is not None and not _is_believed(array, before, tensor, part, where):
        message = (
            f"{where}: the checksum of its block does not fit; changing one bit would make it fit, "
            "but the value would stand out"
        )
        raise Corrupt(message)
    return array


def _is_believed(
    array: Array, before: Buffer, tensor: SlicedTensor, part: Slice, where: str
) -> bool:
    """Hold the one element that a correction changed against the others."""
    try:
        raw = decode_slice_value(before, tensor, part, where)
    except SourceError:
        return True  # what could not be decoded before can be now
    if array.dtype.kind not in "fV":
        return True
    width = f"u{array.dtype.itemsize}"
    changed = np.flatnonzero(array.reshape(-1).view(width) != raw.reshape(-1).view(width))
    return all(is_plausible(array, int(place)) for place in changed)


def decode_slice_value(data: Buffer, tensor: SlicedTensor, part: Slice, where: str) -> Array:
    """Return the array behind the entry of one slice.

    Raises
    ------
    Corrupt
        If the entry holds another number of elements than the slice has.
    """
    shape = slice_shape(tensor.shape, part, where)
    value = parse(data, f"{where} ({type_name(tensor.dtype)})").message(2).message(3)
    flat = tensor_values(value, tensor.dtype, math.prod(shape))
    try:
        return flat.reshape(shape)
    except ValueError as error:
        message = f"{where}: {shape} is no shape of an array: {error}"
        raise Corrupt(message) from error
