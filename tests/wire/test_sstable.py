import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.damage import cut_everywhere, flipped
from tests.wire.goldens import INDEXES, case_id
from tfrepair.core.errors import Corrupt, OverLimit, SourceError, Truncated
from tfrepair.wire.crc32c import masked_crc32c
from tfrepair.wire.protobuf import varint
from tfrepair.wire.sstable import MAGIC, open_table
from tfrepair.wire.sstable_block import block_entries
from tfrepair.wire.sstable_writer import separator, successor, write_table


def written(entries: dict[bytes, bytes], block_size: int = 262144) -> bytes:
    out = io.BytesIO()
    size = write_table(sorted(entries.items()), out.write, block_size=block_size)
    assert size == len(out.getvalue())
    return out.getvalue()


def read(data: bytes) -> dict[bytes, bytes]:
    return {key: bytes(value) for key, value in open_table(data, "t").entries()}


@pytest.mark.parametrize("path", INDEXES, ids=case_id)
def test_golden_tables_are_rewritten_byte_for_byte(path: Path) -> None:
    data = path.read_bytes()
    out = bytearray()
    write_table(open_table(data, path.name).entries(), out.extend)
    assert bytes(out) == data


@given(
    st.dictionaries(st.binary(max_size=12), st.binary(max_size=40), max_size=60),
    st.sampled_from([32, 128, 262144]),
)
def test_what_was_written_is_read(entries: dict[bytes, bytes], block_size: int) -> None:
    data = written(entries, block_size)
    table = open_table(data, "t")
    assert read(data) == entries
    assert {key: bytes(table.find(key) or b"") for key in entries} == entries
    assert table.find(b"\xff" * 13) is None


def test_an_entry_that_is_too_large_gets_a_block_of_its_own() -> None:
    data = written({b"a": b"1", b"b": b"2" * 600, b"c": b"3"}, 256)
    assert [len(open_table(data, "t").read(b)) for b in open_table(data, "t").blocks] == [1, 1, 1]


def test_keys_must_rise() -> None:
    with pytest.raises(ValueError, match="not above"):
        write_table([(b"b", b""), (b"a", b"")], bytearray().extend)


@pytest.mark.parametrize(
    ("last", "following", "expected"),
    [
        (b"kqc", b"kqz", b"kqd"),
        (b"kqc", b"kqd", b"kqc"),
        (b"kq", b"kqc", b"kq"),
        (b"a\xff", b"b", b"a\xff"),
        (b"a1", b"c", b"b"),
    ],
)
def test_separators(last: bytes, following: bytes, expected: bytes) -> None:
    assert separator(last, following) == expected


@pytest.mark.parametrize(
    ("last", "expected"), [(b"float32", b"g"), (b"\xff\x01", b"\xff\x02"), (b"\xff", b"\xff")]
)
def test_successors(last: bytes, expected: bytes) -> None:
    assert successor(last) == expected


def test_a_flipped_bit_in_a_block_hides_only_that_block() -> None:
    data = bytearray(written({bytes([n]): b"v" * 50 for n in range(20)}, 128))
    data[10] ^= 1
    table = open_table(bytes(data), "t")
    with pytest.raises(Corrupt, match="block at byte 0"):
        table.read(table.blocks[0])
    assert all(table.read(block) for block in table.blocks[1:])


def test_damage_gives_source_errors_only() -> None:
    data = written({f"name/{n}".encode(): b"v" * 9 for n in range(50)}, 128)
    for bad in (*cut_everywhere(data), *flipped(data, 300), *flipped(data, 300, bits=4)):
        try:
            found = read(bad)
        except SourceError:
            continue
        # Damage that changes nothing: in the empty metaindex block and the padding of the footer.
        assert found == read(data)


def block(contents: bytes) -> bytes:
    return contents + b"\0" + masked_crc32c(contents, b"\0").to_bytes(4, "little")


def table_with_index(index: bytes, data: bytes) -> bytes:
    handles = varint(0) + varint(0) + varint(len(data)) + varint(len(index))
    return data + block(index) + handles + bytes(40 - len(handles)) + MAGIC


def test_blocks_that_overlap_are_refused() -> None:
    data = block(b"\0\0\0\0\1\0\0\0")
    handle = varint(0) + varint(8)
    index = b"".join(b"\0\1\2" + key + handle for key in (b"a", b"b"))
    with pytest.raises(Corrupt, match="expected between 13"):
        open_table(table_with_index(index + b"\0\0\0\0\1\0\0\0", data), "t")


def test_a_block_outside_the_file_is_refused() -> None:
    handle = varint(1 << 40) + varint(8)
    index = b"\0\1" + bytes([len(handle)]) + b"a" + handle + b"\0\0\0\0\1\0\0\0"
    with pytest.raises(Corrupt, match="1099511627776"):
        open_table(table_with_index(index, b""), "t")


def test_key_bombs_are_refused() -> None:
    head = varint(0) + varint(4000) + varint(0) + b"k" * 4000
    more = b"".join(varint(4000 + n) + varint(1) + varint(0) + b"k" for n in range(2000))
    with pytest.raises(OverLimit):
        list(block_entries(memoryview(head + more + b"\0\0\0\0\1\0\0\0"), "t"))


def test_too_many_restart_points_are_refused() -> None:
    with pytest.raises(Corrupt, match="restart"):
        list(block_entries(memoryview(b"\xff" * 8), "t"))


@pytest.mark.parametrize("size", [0, 47])
def test_a_short_file_says_how_short(size: int) -> None:
    with pytest.raises(Truncated, match=f"{size} bytes"):
        open_table(bytes(size), "t")
