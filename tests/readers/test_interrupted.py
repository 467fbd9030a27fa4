import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.wire.goldens import CHECKPOINTS
from tfrepair.core.digest import array_digest
from tfrepair.core.errors import SourceError
from tfrepair.core.tensor import Health, TensorStore
from tfrepair.readers.registry import open_source
from tfrepair.readers.unmerged import find_unmerged, merge
from tfrepair.wire.bundle_index import read_index
from tfrepair.wire.bundle_writer import write_index

KERAS = CHECKPOINTS / "tf2_21" / "keras3_checkpoint"
OLDER = CHECKPOINTS / "tf2_21" / "keras_weights"
DATA, INDEX = ".data-00000-of-00001", ".index"
PART = "part-00000-of-00001"


def digests(store: TensorStore) -> dict[str, str]:
    return {tensor.name: array_digest(tensor.fetch()) for tensor in store}


def put(source: Path, end: str, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    shutil.copy(source.with_name(source.name + end), target)


@pytest.fixture(params=["ckpt-2_temp", "ckpt-2_temp_" + "0a" * 16], ids=["new", "old"])
def temp(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / str(request.param)


def codes(store: TensorStore) -> list[str]:
    return [finding.code for finding in store.findings]


def test_a_save_that_was_not_renamed_yet(temp: Path) -> None:
    put(KERAS, DATA, temp / (PART + DATA))
    put(KERAS, INDEX, temp / (PART + INDEX))
    for path in (temp.parent / "ckpt-2", temp.parent):
        store = open_source(path)
        assert digests(store) == digests(open_source(KERAS))
        assert codes(store) == ["interrupted-save", "interrupted-save-finished"]


@pytest.mark.parametrize("given", ["", INDEX, DATA])
def test_one_part_is_given_by_its_prefix_or_any_file(given: str, temp: Path) -> None:
    parts = ("part-00000-of-00002", "part-00001-of-00002")
    for part, source in zip(parts, (KERAS, OLDER), strict=True):
        put(source, DATA, temp / (part + DATA))
        put(source, INDEX, temp / (part + INDEX))
    for part, source in zip(parts, (KERAS, OLDER), strict=True):
        assert digests(open_source(temp / (part + given))) == digests(open_source(source))


@pytest.mark.parametrize("state", ["empty index", "no index"])
def test_data_renamed_and_the_index_not(temp: Path, state: str) -> None:
    put(KERAS, DATA, temp.parent / ("ckpt-2" + DATA))
    put(KERAS, INDEX, temp / (PART + INDEX))
    if state == "empty index":
        (temp.parent / "ckpt-2.index").touch()
    store = open_source(temp.parent / "ckpt-2")
    assert digests(store) == digests(open_source(KERAS))
    assert codes(store) == ["interrupted-save", "interrupted-save-finished"]


def test_a_saver_killed_between_data_and_index(tmp_path: Path) -> None:
    put(KERAS, DATA, tmp_path / ("model-2" + DATA))
    put(KERAS, INDEX, tmp_path / "model-2.index.tempstate1234567")
    store = open_source(tmp_path / "model-2")
    assert digests(store) == digests(open_source(KERAS))


def test_new_data_beside_the_index_of_the_save_before(tmp_path: Path) -> None:
    put(KERAS, DATA, tmp_path / ("w" + DATA))
    put(OLDER, INDEX, tmp_path / ("w" + INDEX))
    before = open_source(tmp_path / "w")
    assert Health.CORRECTED not in {tensor.checked().health for tensor in before}
    put(KERAS, INDEX, tmp_path / "w.index.tempstate99")
    store = open_source(tmp_path / "w")
    assert digests(store) == digests(open_source(KERAS))
    assert any("overwritten halfway" in finding.message for finding in store.findings)


def test_a_temporary_index_of_other_data_is_not_taken(tmp_path: Path) -> None:
    put(KERAS, DATA, tmp_path / ("w" + DATA))
    put(OLDER, INDEX, tmp_path / "w.index.tempstate99")
    with pytest.raises(SourceError, match="the index is not there"):
        open_source(tmp_path / "w")


def test_temporary_files_are_listed_and_harmless(tmp_path: Path) -> None:
    for end in (DATA, INDEX):
        put(KERAS, end, tmp_path / ("w" + end))
    (tmp_path / "w-2.data-00000-of-00001.tempstate7").write_bytes(b"12345")
    (tmp_path / "checkpoint.tmp0ab").touch()
    store = open_source(tmp_path / "w")
    (finding,) = store.findings
    assert "w-2.data-00000-of-00001.tempstate7 (5 bytes)" in finding.message
    assert len(store) == 26


SHARDED = CHECKPOINTS / "tf1_15" / "sharded.v2"


def put_parts(temp: Path, *, renamed: tuple[int, ...] = ()) -> Path:
    """Take a save of two shards apart, as it was before its merge; returns its prefix."""
    temp.mkdir()
    prefix = temp.parent / "ckpt-2"
    index = read_index(SHARDED.with_name("sharded.v2.index").read_bytes(), "i")
    for shard in range(2):
        name = f"part-{shard:05d}-of-00002"
        entries = {k: replace(e, shard=0) for k, e in index.entries.items() if e.shard == shard}
        with (temp / f"{name}.index").open("wb") as file:
            write_index(entries, file.write, header=replace(index.header, num_shards=1))
        end = f".data-{shard:05d}-of-00002"
        target = prefix.with_name(f"ckpt-2{end}") if shard in renamed else temp / f"{name}{DATA}"
        put(SHARDED, end, target)
    return prefix


@pytest.mark.parametrize("renamed", [(), (0,), (1,), (0, 1)])
def test_parts_that_were_not_merged(temp: Path, renamed: tuple[int, ...]) -> None:
    prefix = put_parts(temp, renamed=renamed)
    sound = open_source(SHARDED)
    for path in (prefix, temp.parent) if not renamed else (prefix,):
        store = open_source(path)
        assert digests(store) == digests(sound)
        assert codes(store)[-1] == "interrupted-save-finished"
    parts = find_unmerged(prefix)
    assert parts is not None
    index, _ = merge(parts)
    out = bytearray()
    write_index(index.entries, out.extend, header=index.header)
    assert bytes(out) == SHARDED.with_name("sharded.v2.index").read_bytes()


def test_a_merge_that_got_as_far_as_an_empty_index(temp: Path) -> None:
    prefix = put_parts(temp, renamed=(0, 1))
    prefix.with_name("ckpt-2.index").touch()
    assert digests(open_source(prefix)) == digests(open_source(SHARDED))


@pytest.mark.parametrize("lost", ["part-00001-of-00002.index", "part-00001-of-00002" + DATA])
def test_a_part_that_is_gone_is_no_save(temp: Path, lost: str) -> None:
    prefix = put_parts(temp)
    (temp / lost).unlink()
    with pytest.raises(SourceError):
        open_source(prefix)


MAKE = """
import shutil, sys
import numpy as np, tensorflow as tf
folder = sys.argv[1]
emb = np.arange(12, dtype="float32").reshape(6, 2)
saved = [
    (["b", "emb"], ["", "6 2 0,2:0,2"], [np.ones(3, "float32"), emb[:2]]),
    (["a", "emb", "s"], ["", "6 2 2,4:0,2", ""], [np.arange(4), emb[2:], np.array([b"x", b"yy"])]),
]
prefixes = [f"{folder}/ckpt-2_temp/part-{n:05d}-of-00002" for n in range(2)]
for prefix, (names, slices, values) in zip(prefixes, saved):
    tensors = [tf.constant(value) for value in values]
    tf.raw_ops.SaveV2(prefix=prefix, tensor_names=names, shape_and_slices=slices, tensors=tensors)
shutil.copytree(folder + "/ckpt-2_temp", folder + "/kept/ckpt-2_temp")
tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=prefixes, destination_prefix=folder + "/ckpt-2")
"""


@pytest.mark.tf
def test_a_merge_gives_the_index_that_tensorflow_writes(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MAKE, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    parts = find_unmerged(tmp_path / "kept" / "ckpt-2")
    assert parts is not None
    index, _ = merge(parts)
    out = bytearray()
    write_index(index.entries, out.extend, header=index.header)
    assert bytes(out) == (tmp_path / "ckpt-2.index").read_bytes()
    assert digests(open_source(tmp_path / "kept" / "ckpt-2")) == digests(
        open_source(tmp_path / "ckpt-2")
    )


@pytest.mark.parametrize("inside", [True, False], ids=["checkpoint", "saver"])
def test_a_save_killed_while_it_wrote_is_called_so(temp: Path, inside: bool) -> None:
    folder = temp if inside else temp.parent
    folder.mkdir(exist_ok=True)
    name = PART if inside else "ckpt-2"
    (folder / f"{name}{DATA}.tempstate123").write_bytes(bytes(1000))
    for path in (temp.parent, temp.parent / "ckpt-2"):
        with pytest.raises(SourceError, match=r"killed while it wrote.* \(1000 bytes\)"):
            open_source(path)


def test_an_unfinished_save_does_not_hide_the_one_before(temp: Path) -> None:
    for end in (DATA, INDEX):
        put(KERAS, end, temp.parent / ("ckpt-1" + end))
    temp.mkdir()
    (temp / f"{PART}{DATA}.tempstate123").write_bytes(bytes(1000))
    assert digests(open_source(temp.parent)) == digests(open_source(KERAS))
