from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.damage import cut_everywhere, flipped
from tests.wire.goldens import CASES, GOLDEN, INDEXES, case_id, expected, is_as_expected
from tfrepair.core.errors import Corrupt, SourceError
from tfrepair.wire.bundle import (
    BundleEntry,
    BundleHeader,
    Extent,
    decode_entry,
    decode_header,
    encode_entry,
    encode_header,
    usual_entry,
)
from tfrepair.wire.bundle_data import Shards, decode_tensor, verify_bytes
from tfrepair.wire.bundle_index import read_index
from tfrepair.wire.ordered_code import is_slice_key
from tfrepair.wire.protobuf import bytes_field, varint_field
from tfrepair.wire.sstable_writer import write_table

INDEX = GOLDEN / "saved_model" / "module" / "variables" / "variables.index"


@pytest.mark.parametrize("path", INDEXES, ids=case_id)
def test_golden_entries_are_encoded_byte_for_byte(path: Path) -> None:
    data = path.read_bytes()
    index = read_index(data, path.name)
    out = bytearray()
    entries = {key: encode_entry(entry) for key, entry in index.entries.items()}
    write_table([(b"", encode_header(index.header)), *entries.items()], out.extend)
    assert not index.problems
    assert bytes(out) == data


@pytest.mark.parametrize("path", INDEXES, ids=case_id)
def test_golden_tensors_fit_their_checksums(path: Path) -> None:
    index = read_index(path.read_bytes(), path.name)
    shards = Shards(path.with_suffix(""), index.header)
    for key, entry in index.entries.items():
        if entry.slices:
            continue
        data = shards.stored(entry, str(key))
        verify_bytes(data, entry, index.header, str(key))
        assert decode_tensor(data, entry, index.header, str(key)).shape == entry.shape


numbers = st.integers(0, 1 << 40)
extents = st.just(Extent()) | st.builds(
    Extent, start=st.integers(0, 1 << 20), length=st.integers(0, 1 << 20)
)
entries_made = st.builds(
    BundleEntry,
    dtype=st.integers(0, 40),
    shape=st.lists(st.integers(0, 50), max_size=5).map(tuple),
    shard=st.integers(0, 100),
    offset=numbers,
    size=numbers,
    crc=st.integers(0, 0xFFFFFFFF),
    slices=st.lists(st.lists(extents, max_size=3).map(tuple), max_size=3).map(tuple),
)


@given(entries_made)
def test_entries_survive(entry: BundleEntry) -> None:
    assert decode_entry(encode_entry(entry), "e") == entry


@given(st.builds(BundleHeader, num_shards=st.integers(0, 99), endianness=st.integers(0, 1)))
def test_headers_survive(header: BundleHeader) -> None:
    assert decode_header(encode_header(header), "h") == header


def dims(*sizes: int) -> bytes:
    return bytes_field(2, b"".join(bytes_field(2, varint_field(1, size)) for size in sizes))


@pytest.mark.parametrize(
    "data",
    [
        dims(-1, 3),
        dims(1 << 40, 1 << 40),
        dims(*[1] * 255),
        bytes_field(2, varint_field(3, 1)),
        varint_field(4, -8),
        varint_field(5, -8),
        varint_field(3, -1),
    ],
    ids=["negative", "overflow", "rank", "unknown rank", "offset", "size", "shard"],
)
def test_numbers_that_abort_tensorflow_are_corrupt(data: bytes) -> None:
    with pytest.raises(Corrupt):
        decode_entry(varint_field(1, 1) + data, "e")


def test_a_bad_entry_does_not_hide_the_others() -> None:
    out = bytearray()
    good = encode_entry(BundleEntry(dtype=1, shape=(2,), size=8))
    bad = varint_field(1, 1) + dims(-1)
    write_table([(b"", encode_header(BundleHeader())), (b"a", good), (b"b", bad)], out.extend)
    index = read_index(bytes(out), "i")
    assert list(index.entries) == [b"a"]
    assert "entry b" in str(index.problems[0])


def test_damaged_indexes_give_source_errors_or_problems() -> None:
    data = INDEX.read_bytes()
    sound = read_index(data, "i")
    for bad in (*cut_everywhere(data), *flipped(data, 300), *flipped(data, 300, bits=4)):
        try:
            index = read_index(bad, "i")
        except SourceError:
            continue
        # Damage that changes nothing: in the empty metaindex block and the padding of the footer.
        assert index.problems or index.entries == sound.entries


@pytest.mark.parametrize("count", [2, 4])
def test_strings_that_do_not_fill_their_bytes_are_corrupt(count: int) -> None:
    data = memoryview(b"\x01\x01\x01crc!abc")
    entry = BundleEntry(dtype=7, shape=(count,), size=len(data))
    with pytest.raises(Corrupt):
        decode_tensor(data, entry, BundleHeader(), "s")


@given(st.binary(max_size=80), st.integers(0, 90), st.sampled_from([7, 21]))
def test_any_bytes_give_strings_or_source_errors(data: bytes, count: int, dtype: int) -> None:
    entry = BundleEntry(dtype=dtype, shape=(count,), size=len(data))
    with pytest.raises(SourceError):
        verify_bytes(memoryview(data), entry, BundleHeader(), "s")


@pytest.mark.parametrize(
    "case", [c for c in CASES if c.parent.name in ("tf2_3", "tf2_21")], ids=case_id
)
def test_every_value_is_what_tensorflow_reads(case: Path) -> None:
    index = read_index(case.with_suffix(".index").read_bytes(), case.name)
    shards = Shards(case.with_suffix(""), index.header)
    want = expected(case)
    found = {key.decode(): entry for key, entry in index.entries.items() if not is_slice_key(key)}
    assert set(found) == set(want)
    for key, entry in found.items():
        if not entry.slices:
            array = decode_tensor(shards.stored(entry, key), entry, index.header, key)
            assert is_as_expected(array, want[key]), key


NUMBERS = st.sampled_from([0, 1, 127, 128, 1 << 20, 1 << 40, (1 << 62) - 1, 1 << 62])


@given(
    entry=st.builds(
        BundleEntry,
        dtype=st.integers(0, 140),
        shape=st.lists(st.sampled_from([0, 1, 3, 512, 1 << 30]), max_size=3).map(tuple),
        shard=st.sampled_from([0, 1, 300]),
        offset=NUMBERS,
        size=NUMBERS,
        crc=st.integers(0, 0xFFFFFFFF),
    ),
    bits=st.lists(st.integers(0, 1 << 12), max_size=2),
)
def test_usual_entries_are_read_as_all_others_are(entry: BundleEntry, bits: list[int]) -> None:
    data = bytearray(encode_entry(entry))
    for bit in bits:
        data[bit // 8 % len(data)] ^= 1 << bit % 8
    usual = usual_entry(bytes(data))
    assert usual is None or decode_entry(bytes(data), "an entry") == usual


@pytest.mark.parametrize("path", INDEXES, ids=case_id)
def test_golden_entries_are_usual(path: Path) -> None:
    entries = read_index(path.read_bytes(), path.name).entries.values()
    plain = [e for e in entries if not e.slices and e.crc and all(e.shape)]
    assert all(usual_entry(encode_entry(entry)) == entry for entry in plain)
