import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.wire.damage import cut_everywhere, flipped
from tests.wire.goldens import CASES, CHECKPOINTS, case_id, expected, is_as_expected
from tfrepair.core.digest import array_digest
from tfrepair.core.dtypes import numpy_dtype
from tfrepair.core.errors import SourceError
from tfrepair.core.tensor import Array, Health, Purpose
from tfrepair.readers.registry import open_source
from tfrepair.wire.bit_repair import with_bit_flipped
from tfrepair.wire.bundle import Extent
from tfrepair.wire.ordered_code import encode_slice_key
from tfrepair.wire.protobuf import bytes_field, varint_field
from tfrepair.wire.sstable import open_table
from tfrepair.wire.sstable_writer import write_table

SAVER_CASES = [case for case in CASES if case.with_suffix(".v2.index").exists()]
TRAINING = CHECKPOINTS / "tf1_4" / "training.v1"


@pytest.mark.parametrize("case", SAVER_CASES, ids=case_id)
def test_every_value_is_what_the_session_held(case: Path) -> None:
    store = open_source(case.with_suffix(".v1"))
    want = expected(case)
    assert store.format == "saver_v1"
    assert set(store.by_name) == set(want)
    for tensor in store:
        array = tensor.fetch()
        assert is_as_expected(array, want[tensor.name]), tensor.name
        assert (array.shape, array.dtype) == (tensor.shape, numpy_dtype(tensor.dtype))
        assert tensor.checked().health is Health.VERIFIED


@pytest.mark.parametrize("name", ["sharded.v1-00000-of-00002", "sharded.v1-?????-of-00002"])
def test_shards_and_patterns_open_the_whole(name: str) -> None:
    assert len(open_source(CHECKPOINTS / "tf1_4" / name)) == 3


def test_slots_never_compete_as_weights() -> None:
    store = open_source(TRAINING)
    weights = {tensor.name for tensor in store if tensor.may_be_weight}
    assert weights == {"net/dense/bias", "net/dense/kernel", "net/emb"}
    assert store["net/emb/Adam_1"].slot_of == "net/emb"
    assert store["net/dense/bias/ExponentialMovingAverage"].purpose is Purpose.AVERAGE


def with_small_blocks(source: Path, target: Path) -> None:
    with target.open("wb") as file:
        table = open_table(source.read_bytes(), "source")
        write_table(table.entries(), file.write, block_size=600)


def test_a_cut_file_gives_its_whole_blocks(tmp_path: Path) -> None:
    path = tmp_path / "model"
    with_small_blocks(TRAINING, path)
    sound = {tensor.name: array_digest(tensor.fetch()) for tensor in open_source(path)}
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 3 // 4])
    store = open_source(path)
    states = {tensor.name: tensor.checked().health for tensor in store}
    whole = [name for name, health in states.items() if health is Health.VERIFIED]
    assert set(states) == set(sound)
    assert 5 < len(whole) < len(sound)
    for name in whole:
        assert array_digest(store[name].fetch()) == sound[name]
    assert [finding.code for finding in store.findings] == ["shard-damaged"]


def test_a_flipped_bit_is_corrected(tmp_path: Path) -> None:
    path = tmp_path / "model"
    data = TRAINING.read_bytes()
    want = expected(TRAINING.with_name("training.json"))
    for bit in range(40, 8 * (len(data) - 48), 997):
        path.write_bytes(with_bit_flipped(data, bit))
        store = open_source(path)
        assert all(is_as_expected(tensor.fetch(), want[tensor.name]) for tensor in store)
        assert {tensor.checked().health for tensor in store} == {Health.CORRECTED}


def test_a_missing_shard_is_reported(tmp_path: Path) -> None:
    shutil.copy(CHECKPOINTS / "tf1_4" / "sharded.v1-00001-of-00002", tmp_path)
    store = open_source(tmp_path / "sharded.v1")
    assert [finding.code for finding in store.findings] == ["missing-shard"]


def test_damage_gives_source_errors_only(tmp_path: Path) -> None:
    path = tmp_path / "model"
    with_small_blocks(TRAINING, path)
    data = path.read_bytes()
    for bad in (*cut_everywhere(data, most=60), *flipped(data, 60), *flipped(data, 60, bits=6)):
        path.write_bytes(bad)
        try:
            store = open_source(path, reader="saver_v1")
        except SourceError:
            continue
        for tensor in store:
            tensor.checked()
            try:
                tensor.fetch()
            except SourceError:
                continue


def test_a_damaged_block_and_a_lost_one_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "model"
    with_small_blocks(TRAINING, path)
    data = bytearray(path.read_bytes())
    blocks = open_table(bytes(data), "t").blocks
    data[blocks[3].offset + 20] ^= 0x55
    path.write_bytes(bytes(data))
    # The slices of the partitioned variable lie in several blocks.
    some_slices = {"net/emb", "net/emb/Adam", "net/emb/Adam_1"}
    damaged = {t.checked().health for t in open_source(path) if t.name not in some_slices}
    assert damaged == {Health.VERIFIED, Health.CORRUPT}
    path.write_bytes(bytes(data[: blocks[3].offset]))
    lost = {t.checked().health for t in open_source(path) if t.name not in some_slices}
    assert lost == {Health.VERIFIED, Health.MISSING}


def test_leading_rows_end_at_the_first_slice_that_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "model"
    with path.open("wb") as file:
        table = open_table(TRAINING.read_bytes(), "source")
        write_table(table.entries(), file.write, block_size=1)
    whole = open_source(path)["net/emb"].fetch()
    content = path.read_bytes()
    second = content.index(whole[3:5].tobytes())
    path.write_bytes(content[:second] + bytes(32) + content[second + 32 :])
    tensor = open_source(path)["net/emb"].checked()
    assert (tensor.health, tensor.leading is None) == (Health.TRUNCATED, False)
    assert tensor.leading is not None
    np.testing.assert_array_equal(tensor.leading(), whole[:3])
    assert open_source(path)["net/dense/bias"].leading is None


def write_large(path: Path, values: Array) -> int:
    """Write one tensor whose block is beyond what a checksum proves; return where it begins."""
    name = "w"
    shape = b"".join(bytes_field(2, varint_field(1, size)) for size in values.shape)
    whole = bytes_field(1, b"") * values.ndim
    listed = bytes_field(1, name.encode()) + bytes_field(2, shape) + varint_field(3, 1)
    header = bytes_field(1, bytes_field(1, listed + bytes_field(4, whole)))
    proto = bytes_field(5, values.tobytes())
    saved = bytes_field(1, name.encode()) + bytes_field(2, whole) + bytes_field(3, proto)
    key = encode_slice_key(name, (Extent(),) * values.ndim)
    with path.open("wb") as file:
        write_table([(b"", header), (key, bytes_field(2, saved))], file.write)
    return path.read_bytes().index(values.tobytes())


@pytest.mark.parametrize("bit", [0, 1, 22, 31])
def test_a_flipped_bit_of_a_large_block_is_corrected_with_its_chance(
    bit: int, tmp_path: Path
) -> None:
    path = tmp_path / "model"
    values = np.random.default_rng(0).normal(size=(700, 1000)).astype("float32")
    start = write_large(path, values)
    path.write_bytes(with_bit_flipped(path.read_bytes(), 8 * (start + 4 * 123_456) + bit))
    tensor = open_source(path)["w"].checked()
    assert tensor.health is Health.CORRECTED
    assert "in 0.5% of cases" in tensor.health_note
    assert np.array_equal(tensor.fetch(), values)


def test_a_correction_of_a_large_block_that_stands_out_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "model"
    values = np.random.default_rng(0).normal(size=(700, 1000)).astype("float32")
    values[5, 5] = 1e30  # as it was saved: nothing but the checksum speaks for it
    start = write_large(path, values)
    place = 8 * (start + 4 * 5005) + 30
    path.write_bytes(with_bit_flipped(path.read_bytes(), place))
    tensor = open_source(path)["w"]
    assert tensor.checked().health is Health.CORRUPT
    with pytest.raises(SourceError, match="stand out"):
        tensor.fetch()
