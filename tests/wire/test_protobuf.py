import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfrepair.core.errors import Corrupt
from tfrepair.wire.protobuf import (
    bytes_field,
    fixed32_field,
    parse,
    read_varint,
    signed,
    varint,
    varint_field,
)


@given(st.integers(-(1 << 63), (1 << 64) - 1))
def test_numbers_survive(value: int) -> None:
    written = varint(value)
    assert read_varint(written, 0, "x") == (value % (1 << 64), len(written))


@given(st.integers(-(1 << 63), (1 << 63) - 1))
def test_signed_numbers_survive(value: int) -> None:
    assert signed(read_varint(varint(value), 0, "x")[0]) == value


def test_a_message_by_hand() -> None:
    inner = varint_field(1, 5) + bytes_field(2, b"name")
    data = varint_field(1, 300) + bytes_field(3, inner) + bytes_field(3, b"") + fixed32_field(6, 9)
    message = parse(data, "m")
    assert (message.uint(1), message.uint(6), message.uint(9)) == (300, 9, 0)
    first, second = message.messages(3)
    assert (first.uint(1), first.text(2), second.fields) == (5, "name", {})


def test_zero_fields_are_left_out_and_empty_messages_are_not() -> None:
    assert varint_field(1, 0) + fixed32_field(2, 0) == b""
    assert bytes_field(2, b"") == b"\x12\x00"


def test_repeated_numbers_are_read_packed_and_unpacked() -> None:
    message = parse(varint_field(1, 7) + bytes_field(1, b"\x01\x02"), "m")
    assert message.numbers(1) == (7, 1, 2)


@pytest.mark.parametrize(
    "data",
    [
        b"\x08",
        b"\x80" * 11,
        b"\x0a\x05abc",
        b"\x0b",
        b"\x02\x00",
        b"\x0d\x01\x02",
        b"\x09" + b"1" * 7,
    ],
    ids=["no value", "endless", "too short", "group", "field 0", "fixed32 cut", "fixed64 cut"],
)
def test_damage_is_corrupt(data: bytes) -> None:
    with pytest.raises(Corrupt, match="m"):
        parse(data, "m")


def test_another_wire_type_is_corrupt() -> None:
    message = parse(varint_field(1, 1) + bytes_field(2, b"a"), "m")
    for read in (lambda: message.uint(2), lambda: message.raw(1), lambda: message.text(1)):
        with pytest.raises(Corrupt, match="wire type"):
            read()


@given(st.binary(max_size=200))
def test_any_bytes_give_a_message_or_corrupt(data: bytes) -> None:
    try:
        message = parse(data, "m")
    except Corrupt:
        return
    assert sum(len(values) for values in message.fields.values()) <= len(data)
