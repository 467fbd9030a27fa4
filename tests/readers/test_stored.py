import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from tfrepair.core.tensor import Array, Health
from tfrepair.readers.registry import open_source
from tfrepair.wire.bit_repair import with_bit_flipped
from tfrepair.wire.bundle import BundleEntry, BundleHeader, Extent
from tfrepair.wire.bundle_index import read_index
from tfrepair.wire.bundle_writer import Item, write_data, write_index

LARGE = (600, 512)
"""1.2 MB of float32: above the size up to which a correction needs no further evidence."""


def save(folder: Path, **arrays: Array) -> Path:
    items = [Item(name=name, dtype=1, array=array) for name, array in arrays.items()]
    with (folder / "m.data-00000-of-00001").open("wb") as file:
        entries = write_data(items, file.write)
    with (folder / "m.index").open("wb") as file:
        write_index(entries, file.write)
    return folder / "m"


def flip(folder: Path, bit: int) -> None:
    path = folder / "m.data-00000-of-00001"
    path.write_bytes(with_bit_flipped(path.read_bytes(), bit))


def rewrite_index(folder: Path, **changed: BundleEntry) -> None:
    entries = dict(read_index((folder / "m.index").read_bytes(), "i").entries)
    entries |= {name.encode(): entry for name, entry in changed.items()}
    with (folder / "m.index").open("wb") as file:
        write_index(entries, file.write, header=BundleHeader())


@pytest.mark.parametrize("bit", [5, 30], ids=["mantissa", "exponent"])
def test_a_bit_of_a_large_tensor_is_corrected_with_its_chance(tmp_path: Path, bit: int) -> None:
    array = np.random.default_rng(0).normal(size=LARGE).astype("float32")
    prefix = save(tmp_path, w=array)
    flip(tmp_path, 32 * 1000 + bit)
    tensor = open_source(prefix)["w"].checked()
    assert tensor.health is Health.CORRECTED
    assert "0.2% of cases" in tensor.health_note
    assert np.array_equal(tensor.fetch(), array)


def test_a_correction_that_would_stand_out_is_not_believed(tmp_path: Path) -> None:
    array = np.random.default_rng(0).normal(size=LARGE).astype("float32")
    array[1, 0] = 1e30
    prefix = save(tmp_path, w=array)
    flip(tmp_path, 32 * 512)
    tensor = open_source(prefix)["w"].checked()
    assert tensor.health is Health.CORRUPT
    assert "would stand out" in tensor.health_note


def test_zeros_and_pointers_are_called_what_they_are(tmp_path: Path) -> None:
    array = np.arange(64, dtype="float32")
    prefix = save(tmp_path, a=array)
    data = tmp_path / "m.data-00000-of-00001"
    data.write_bytes(bytes(256))
    assert "all bytes are zero" in open_source(prefix)["a"].checked().health_note
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:"
    data.write_bytes(pointer + bytes(256 - len(pointer)))
    assert "git-lfs" in open_source(prefix)["a"].checked().health_note


def test_a_size_that_contradicts_the_shape_is_corrupt(tmp_path: Path) -> None:
    prefix = save(tmp_path, a=np.arange(4, dtype="float32"))
    rewrite_index(tmp_path, a=BundleEntry(dtype=1, shape=(5,), size=16))
    tensor = open_source(prefix)["a"].checked()
    assert tensor.health is Health.CORRUPT
    assert "expected 20" in tensor.health_note


def test_a_type_that_nobody_knows_is_listed(tmp_path: Path) -> None:
    prefix = save(tmp_path, a=np.arange(4, dtype="float32"))
    rewrite_index(tmp_path, a=BundleEntry(dtype=77, shape=(4,), size=16))
    tensor = open_source(prefix)["a"].checked()
    assert (tensor.dtype, tensor.health) == ("object", Health.UNVERIFIED)
    assert "type 77" in tensor.health_note


def test_slices_of_an_absurd_whole_cost_no_memory(tmp_path: Path) -> None:
    prefix = save(tmp_path, a=np.arange(4, dtype="float32"))
    part = (Extent(start=0, length=4),)
    rewrite_index(tmp_path, b=BundleEntry(dtype=1, shape=(1 << 60,), slices=(part,)))
    tensor = open_source(prefix)["b"].checked()
    assert tensor.health is Health.TRUNCATED
    assert "1 of 1 slices are missing: [0:4]" in tensor.health_note


def test_data_with_gaps_is_read(tmp_path: Path) -> None:
    one, two = np.arange(3, dtype="float32"), np.arange(5, dtype="float32")
    prefix = save(tmp_path, one=one, two=two)
    data = (tmp_path / "m.data-00000-of-00001").read_bytes()
    (tmp_path / "m.data-00000-of-00001").write_bytes(data[:12].ljust(64, b"\0") + data[12:])
    entry = read_index((tmp_path / "m.index").read_bytes(), "i").entries[b"two"]
    moved = BundleEntry(dtype=1, shape=(5,), offset=64, size=20, crc=entry.crc)
    rewrite_index(tmp_path, two=moved)
    store = open_source(prefix)
    assert np.array_equal(store["two"].fetch(), two)
    assert {tensor.checked().health for tensor in store} == {Health.VERIFIED}


def test_verifying_costs_no_memory_of_its_own(tmp_path: Path) -> None:
    prefix = save(tmp_path, **{f"w{n}": np.full((4 << 20,), n, "float32") for n in range(3)})
    tracemalloc.start()
    store = open_source(prefix)
    opened = tracemalloc.get_traced_memory()[1]
    states = {tensor.checked().health for tensor in store}
    first = store["w1"].fetch()[0]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (states, first) == ({Health.VERIFIED}, 1.0)
    assert store.nbytes == 48 << 20
    assert opened < 1 << 20
    assert peak < 2 << 20
