"""The wire format of protocol buffers: numbered fields in, numbered fields out; no schemas.

Knows how bytes become fields, not what a field means: :mod:`tfrepair.wire.bundle` and its
neighbors hold the numbers. Every length is checked before it is used, so that damaged bytes give
a :class:`~tfrepair.core.errors.Corrupt` and never a read outside the buffer.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tfrepair.core.errors import Corrupt
from tfrepair.wire.crc32c import Buffer

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
"""Wire types; 3 and 4 are groups, which no file of TensorFlow uses."""

_FIXED = {FIXED64: 8, FIXED32: 4}
_VARINT_BYTES = 10
_MORE = 0x80
"""Set in every byte of a number but the last."""
_SIGN = 1 << 63

Value = int | memoryview


def read_varint(data: Buffer, at: int, where: str) -> tuple[int, int]:
    """Read one base-128 number.

    Parameters
    ----------
    data, at
        Buffer and offset of the first byte.
    where
        Name of the buffer, for messages.

    Returns
    -------
    The number, below 2**64, and the offset behind it.

    Raises
    ------
    Corrupt
        If the buffer ends inside the number or the number is longer than 10 bytes.
    """
    if at < len(data) and data[at] < _MORE:  # most numbers have one byte
        return data[at], at + 1
    value = shift = 0
    for place in range(at, min(at + _VARINT_BYTES, len(data))):
        byte = data[place]
        value |= (byte & 0x7F) << shift
        if byte < _MORE:
            return value & 0xFFFFFFFFFFFFFFFF, place + 1
        shift += 7
    message = f"{where}: no number at byte {at} of {len(data)}: it has no last byte"
    raise Corrupt(message)


def read_fields(data: Buffer, where: str) -> Iterator[tuple[int, Value]]:
    """Go through the fields of one message in file order.

    Parameters
    ----------
    data
        The whole message.
    where
        Name of the message, for errors.

    Yields
    ------
    Field number, and an unsigned integer or a view of the field's bytes.

    Raises
    ------
    Corrupt
        At the first field that is not one.
    """
    view = memoryview(data)
    at, end = 0, len(view)
    while at < end:
        tag = view[at]
        at += 1
        if tag >= _MORE:  # calls cost more than everything else here: an index has many fields
            tag, at = read_varint(view, at - 1, where)
        number, kind = tag >> 3, tag & 7
        if kind in (VARINT, BYTES):
            size, at = read_varint(view, at, where)
            if kind == VARINT:
                yield number, size
                continue
        else:
            size = _FIXED.get(kind, -1)
        if number == 0 or size < 0 or size > end - at:
            message = (
                f"{where}: field {number} of wire type {kind} announces {size} bytes "
                f"at byte {at} of {end}"
            )
            raise Corrupt(message)
        piece = view[at : at + size]
        at += size
        yield number, piece if kind == BYTES else int.from_bytes(piece, "little")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message with its fields by number, each number's values in file order.

    Attributes
    ----------
    where
        Name of the message, for errors.
    fields
        Values by field number.
    """

    where: str
    fields: Mapping[int, tuple[Value, ...]]

    def uint(self, number: int) -> int:
        """Return the last value of a numeric field, or 0; a field of another type is corrupt."""
        value = self.fields.get(number, (0,))[-1]
        if isinstance(value, int):
            return value
        raise self._wrong(number)

    def int64(self, number: int) -> int:
        """Return the last value of a numeric field as a signed number."""
        return signed(self.uint(number))

    def numbers(self, number: int) -> tuple[int, ...]:
        """Return all values of a repeated numeric field, packed or not."""
        found: list[int] = []
        for value in self.fields.get(number, ()):
            if isinstance(value, int):
                found.append(value)
            else:
                found.extend(packed_varints(value, self.where))
        return tuple(found)

    def raw(self, number: int) -> memoryview:
        """Return the bytes of the last value of a field, empty if it is not there."""
        raws = self.raws(number)
        return raws[-1] if raws else memoryview(b"")

    def raws(self, number: int) -> tuple[memoryview, ...]:
        """Return the bytes of every value of a field."""
        found = []
        for value in self.fields.get(number, ()):
            if isinstance(value, int):
                raise self._wrong(number)
            found.append(value)
        return tuple(found)

    def text(self, number: int) -> str:
        """Return a string field; bytes that are not UTF-8 are kept as surrogates."""
        return bytes(self.raw(number)).decode("utf-8", "surrogateescape")

    def texts(self, number: int) -> tuple[str, ...]:
        """Return a repeated string field."""
        return tuple(bytes(raw).decode("utf-8", "surrogateescape") for raw in self.raws(number))

    def message(self, number: int) -> "Message":
        """Return a nested message, empty if it is not there."""
        return parse(self.raw(number), f"{self.where}.{number}")

    def messages(self, number: int) -> "Iterator[Message]":
        """Parse a repeated nested message, one after the other."""
        for raw in self.raws(number):
            yield parse(raw, f"{self.where}.{number}")

    def _wrong(self, number: int) -> Corrupt:
        return Corrupt(f"{self.where}: field {number} has another wire type than it should")


def parse(data: Buffer, where: str) -> Message:
    """Split one message into its fields; nested messages stay bytes until they are asked for.

    Raises
    ------
    Corrupt
        If the bytes are not a message.
    """
    fields: dict[int, list[Value]] = {}
    for number, value in read_fields(data, where):
        fields.setdefault(number, []).append(value)
    return Message(where=where, fields={key: tuple(values) for key, values in fields.items()})


def packed_varints(data: Buffer, where: str) -> Iterator[int]:
    """Read a packed repeated field."""
    at = 0
    while at < len(data):
        value, at = read_varint(data, at, where)
        yield value


def signed(value: int) -> int:
    """Return an unsigned 64-bit number as the two's complement it stands for."""
    return value - (1 << 64) if value & _SIGN else value


def varint(value: int) -> bytes:
    """Write one base-128 number; negative ones take 10 bytes, as protocol buffers do."""
    value &= 0xFFFFFFFFFFFFFFFF
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def varint_field(number: int, value: int) -> bytes:
    """Write a numeric field, or nothing for zero (proto3)."""
    return varint(number << 3 | VARINT) + varint(value) if value else b""


def fixed32_field(number: int, value: int) -> bytes:
    """Write a 4-byte field, or nothing for zero (proto3)."""
    return varint(number << 3 | FIXED32) + value.to_bytes(4, "little") if value else b""


def bytes_field(number: int, value: bytes) -> bytes:
    """Write a string, bytes or message field, also when it is empty."""
    return varint(number << 3 | BYTES) + varint(len(value)) + value
