from pathlib import Path

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from tfrepair.core.errors import Corrupt, OverLimit, SourceError
from tfrepair.wire.crc32c import masked_crc32c
from tfrepair.wire.mapping import map_file
from tfrepair.wire.protobuf import varint
from tfrepair.wire.snappy import decompress
from tfrepair.wire.sstable_block import SNAPPY, BlockHandle, block_contents


def literal(data: bytes) -> bytes:
    size = len(data) - 1
    return (
        bytes([size << 2]) + data
        if size < 60
        else bytes([61 << 2]) + size.to_bytes(2, "little") + data
    )


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x00", b""),
        (b"\x03" + literal(b"abc"), b"abc"),
        (varint(300) + literal(b"x" * 300), b"x" * 300),
        (b"\x08" + literal(b"abcd") + b"\x01\x04", b"abcdabcd"),
        (b"\x0a" + literal(b"ab") + bytes([7 << 2 | 2, 2, 0]), b"ababababab"),
        (b"\x06" + literal(b"abc") + bytes([2 << 2 | 3, 3, 0, 0, 0]), b"abcabc"),
    ],
    ids=["empty", "literal", "long literal", "near copy", "overlapping copy", "far copy"],
)
def test_known_elements(data: bytes, expected: bytes) -> None:
    assert bytes(decompress(memoryview(data), "s")) == expected


@pytest.mark.parametrize(
    "data",
    [
        b"\x03\x08ab",
        b"\x04" + literal(b"a") + b"\x01\x05",
        b"\x02" + literal(b"abc"),
        b"\x05\x08abc",
    ],
    ids=["literal cut", "copy from before", "too many", "too few"],
)
def test_damage_is_corrupt(data: bytes) -> None:
    with pytest.raises(Corrupt, match="model, block at byte 7: "):
        decompress(memoryview(data), "model, block at byte 7")


def test_bombs_are_refused() -> None:
    with pytest.raises(OverLimit, match="1099511627776, limit 154"):
        decompress(memoryview(varint(1 << 40) + b"\x00"), "s")


def test_no_block_is_larger_than_an_entry_can_be() -> None:
    class Huge(bytes):
        @override
        def __len__(self) -> int:
            return 1 << 40

    with pytest.raises(OverLimit, match=f"announce {1 << 32}, limit {1 << 31}"):
        decompress(Huge(varint(1 << 32)), "s")  # type: ignore[arg-type]


@given(st.binary(max_size=300).map(lambda part: part * 7))
def test_what_another_writer_compressed(data: bytes) -> None:
    assert decompress(memoryview(bytes(cramjam.snappy.compress_raw(data))), "s") == data


def test_a_mapped_file(tmp_path: Path) -> None:
    path = tmp_path / "block"
    path.write_bytes(bytes(cramjam.snappy.compress_raw(b"abc" * 10_000)))
    found = decompress(map_file(path), "s")
    assert found == b"abc" * 10_000
    assert found.readonly


@given(st.binary(max_size=100))
def test_any_bytes_give_bytes_or_source_errors(data: bytes) -> None:
    try:
        found = decompress(memoryview(data), "s")
    except SourceError:
        return
    assert len(found) <= 22 * len(data)


def test_a_compressed_block() -> None:
    body = b"\x03" + literal(b"abc") + bytes([SNAPPY])
    data = memoryview(body + masked_crc32c(body).to_bytes(4, "little"))
    assert bytes(block_contents(data, BlockHandle(offset=0, size=len(body) - 1), "b")) == b"abc"
