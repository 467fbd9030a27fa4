import subprocess
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.wire.goldens import INDEXES, case_id
from tfrepair.core.tensor import Array
from tfrepair.wire.bundle import BIG, BundleEntry, BundleHeader, Extent
from tfrepair.wire.bundle_data import Shards, decode_tensor, verify_bytes
from tfrepair.wire.bundle_index import read_index
from tfrepair.wire.bundle_writer import Item, merged, stored_form, write_data, write_index
from tfrepair.wire.ordered_code import decode_slice_key, is_slice_key


def item_of(key: bytes, entry: BundleEntry, shards: Shards, whole: dict[str, BundleEntry]) -> Item:
    array = decode_tensor(shards.stored(entry, "t"), entry, shards.header, "t")
    if not is_slice_key(key):
        return Item(name=key.decode(), dtype=entry.dtype, array=array)
    name, part = decode_slice_key(key, "t")
    return Item(name=name, dtype=entry.dtype, array=array, part=part, whole=whole[name].shape)


@pytest.mark.parametrize("path", INDEXES, ids=case_id)
def test_a_golden_save_is_read_and_written_again_byte_for_byte(path: Path) -> None:
    index = read_index(path.read_bytes(), path.name)
    shards = Shards(path.with_suffix(""), index.header)
    whole = {key.decode(): entry for key, entry in index.entries.items() if entry.slices}
    found = []
    for shard in range(index.header.num_shards):
        mine = [(k, e) for k, e in index.entries.items() if e.shard == shard and not e.slices]
        mine.sort(key=lambda pair: (pair[1].offset, pair[1].size))
        items = [item_of(key, entry, shards, whole) for key, entry in mine]
        out = bytearray()
        found.append(write_data(items, out.extend, shard=shard, header=index.header))
        assert bytes(out) == bytes(shards.view(shard))
    out = bytearray()
    write_index(merged(found), out.extend, header=index.header)
    assert bytes(out) == path.read_bytes()


def strings(*items: bytes) -> Array:
    array = np.empty(len(items), object)
    array[:] = items
    return array


ARRAYS: dict[str, tuple[int, Array]] = {
    "float32": (1, np.arange(6, dtype="float32").reshape(2, 3)),
    "int8": (6, np.arange(-3, 3, dtype="int8")),
    "complex64": (8, np.array([1 + 2j, -3j], "complex64")),
    "complex128": (18, np.array([1 + 2j, -3j])),
    "half": (19, np.arange(4, dtype="float16")),
    "bfloat16": (14, np.arange(4).astype(ml_dtypes.bfloat16)),
    "int4": (29, np.arange(-2, 3).astype(ml_dtypes.int4)),
    "bool": (10, np.array([True, False, True])),
    "strings": (7, strings(b"", b"one", b"\xff" * 200)),
    "scalar": (9, np.array(7, "int64")),
    "empty": (2, np.zeros((0, 3))),
}


@pytest.mark.parametrize("order", [0, BIG], ids=["little", "big"])
@pytest.mark.parametrize("name", ARRAYS)
def test_what_was_written_is_read(name: str, order: int) -> None:
    dtype, array = ARRAYS[name]
    header = BundleHeader(endianness=order)
    out = bytearray()
    (entry,) = write_data(
        [Item(name="t", dtype=dtype, array=array)], out.extend, header=header
    ).values()
    data = memoryview(bytes(out))
    verify_bytes(data, entry, header, "t")
    found = decode_tensor(data, entry, header, "t")
    assert found.dtype == array.dtype
    assert found.tolist() == array.tolist()


@given(st.lists(st.binary(max_size=300), max_size=20), st.sampled_from([7, 21]))
def test_strings_and_variants_survive(items: list[bytes], dtype: int) -> None:
    pieces, _ = stored_form(strings(*items), dtype)
    out = bytearray()
    entry = next(
        iter(write_data([Item(name="t", dtype=dtype, array=strings(*items))], out.extend).values())
    )
    assert b"".join(pieces) == bytes(out)
    verify_bytes(memoryview(bytes(out)), entry, BundleHeader(), "t")
    found = decode_tensor(memoryview(bytes(out)), entry, BundleHeader(), "t")
    assert found.tolist() == items


def test_arrays_that_are_not_contiguous_are_written_in_their_order() -> None:
    array = np.arange(6, dtype="float32").reshape(2, 3).T
    pieces, _ = stored_form(array, 1)
    assert b"".join(pieces) == array.tobytes()


def test_a_tensor_in_two_files_is_refused() -> None:
    entry = {b"a": BundleEntry(dtype=1, shape=())}
    with pytest.raises(ValueError, match="two data files"):
        merged([entry, entry])


CHECK = """
import sys, numpy as np, tensorflow as tf
for name in ("little", "big"):
    reader = tf.train.load_checkpoint(f"{sys.argv[1]}/{name}")
    expected = np.load(f"{sys.argv[1]}/expected.npz")
    for key in expected.files:
        value = np.asarray(reader.get_tensor(key))
        assert value.dtype == expected[key].dtype, key
        assert np.array_equal(value, expected[key]), key
    assert reader.get_tensor("strings").tolist() == [b"", b"one", b"\\xff" * 200]
    assert np.array_equal(reader.get_tensor("emb"), np.arange(8).reshape(4, 2))
"""


@pytest.mark.tf
def test_tensorflow_reads_what_was_written(tmp_path: Path) -> None:
    half = np.arange(8, dtype="int32").reshape(4, 2)
    parts = [(Extent(start=start, length=2), Extent()) for start in (0, 2)]
    for name, order in (("little", 0), ("big", BIG)):
        header = BundleHeader(endianness=order)
        items = [Item(name=key, dtype=dtype, array=a) for key, (dtype, a) in ARRAYS.items()]
        items += [
            Item(name="emb", dtype=3, array=half[2 * n : 2 * n + 2], part=part, whole=(4, 2))
            for n, part in enumerate(parts)
        ]
        with (tmp_path / f"{name}.data-00000-of-00001").open("wb") as file:
            entries = write_data(items, file.write, header=header)
        with (tmp_path / f"{name}.index").open("wb") as file:
            write_index(entries, file.write, header=header)
    plain = {
        key: array
        for key, (_, array) in ARRAYS.items()
        if array.dtype.kind in "fiucb" and key not in ("bfloat16", "int4")
    }
    np.savez(tmp_path / "expected.npz", **plain)  # type: ignore[arg-type]
    done = subprocess.run(
        [sys.executable, "-c", CHECK, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
