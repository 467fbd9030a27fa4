"""A lost index is rebuilt byte for byte, from whatever tells the layout, and from nothing else."""

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.api.saves import bundle, data_of, index_of, values
from tests.wire.goldens import CHECKPOINTS
from tfrepair.core.errors import SourceError
from tfrepair.core.tensor import Health
from tfrepair.readers.bundle_index import find_index
from tfrepair.readers.lost_index import rebuild_index
from tfrepair.readers.registry import open_source
from tfrepair.readers.saves import Kind, choose_save
from tfrepair.wire.bundle_index import BundleIndex
from tfrepair.wire.bundle_writer import write_index
from tfrepair.wire.crc32c import crc32c, mask
from tfrepair.wire.protobuf import bytes_field

GOLDEN = CHECKPOINTS.parent
GRAPHS = sorted(GOLDEN.glob("metagraph/*/*.meta.gz"))
MODELS = sorted(path.parent for path in GOLDEN.glob("saved_model/*/saved_model.pb"))
RUNS = [CHECKPOINTS / "run_keras3", CHECKPOINTS / "run_legacy"]
DATA, INDEX = ".data-00000-of-00001", ".index"


def as_bytes(index: BundleIndex) -> bytes:
    parts: list[bytes] = []
    write_index(index.entries, lambda part: parts.append(bytes(part)), header=index.header)
    return b"".join(parts)


def found(prefix: Path) -> BundleIndex:
    save = choose_save(prefix).of(Kind.BUNDLE)
    assert save is not None
    return find_index(save)[0]


def with_graph(golden: Path, folder: Path) -> tuple[Path, bytes]:
    """Put data and graph of a golden save into a folder; returns its prefix and its index."""
    name = golden.name.removesuffix(".meta.gz")
    for path in golden.parent.glob(f"{name}.data-*"):
        shutil.copyfile(path, folder / path.name)
    (folder / f"{name}.meta").write_bytes(gzip.decompress(golden.read_bytes()))
    return folder / name, golden.with_name(f"{name}.index").read_bytes()


@pytest.mark.parametrize("golden", GRAPHS, ids=lambda path: f"{path.parent.name}-{path.name[:6]}")
def test_from_the_graph_of_the_save(golden: Path, tmp_path: Path) -> None:
    prefix, lost = with_graph(golden, tmp_path)
    assert as_bytes(found(prefix)) == lost


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.name)
def test_from_the_saved_model(model: Path, tmp_path: Path) -> None:
    shutil.copytree(model, tmp_path / "model", copy_function=shutil.copyfile)
    (tmp_path / "model" / "variables" / "variables.index").write_bytes(b"")
    lost = (model / "variables" / "variables.index").read_bytes()
    assert as_bytes(found(tmp_path / "model" / "variables" / "variables")) == lost


@pytest.mark.parametrize("kind", ["meta graph", "graph"])
def test_from_the_event_file_of_the_run(kind: str, tmp_path: Path) -> None:
    prefix, lost = with_graph(GRAPHS[0], tmp_path)
    meta = prefix.with_name(f"{prefix.name}.meta")
    graph = meta.read_bytes()
    if kind == "graph":
        from tfrepair.wire.protobuf import parse

        graph = bytes(parse(graph, "").raw(2))
    meta.unlink()
    events = b""
    for event in (b"\x09" + bytes(8), bytes_field(9 if kind == "meta graph" else 4, graph)):
        length = len(event).to_bytes(8, "little")
        for part in (length, event):
            events += part + mask(crc32c(part)).to_bytes(4, "little")
    (tmp_path / "events.out.tfevents.1500000000.host").write_bytes(events + b"cut")
    assert as_bytes(found(prefix)) == lost


@pytest.mark.parametrize("run", RUNS, ids=lambda path: path.name)
@pytest.mark.parametrize(("lost", "other"), [(4, 2), (2, 4), (2, 0), (0, 2), (4, 0)])
def test_from_another_save_of_the_run(run: Path, lost: int, other: int, tmp_path: Path) -> None:
    """Tables and iterators have other sizes, and slots come or go."""
    shutil.copyfile(run / f"ckpt-{lost}{DATA}", tmp_path / f"ckpt-{lost}{DATA}")
    for end in (DATA, INDEX):
        shutil.copyfile(run / f"ckpt-{other}{end}", tmp_path / f"ckpt-{other}{end}")
    index = found(tmp_path / f"ckpt-{lost}")
    assert as_bytes(index) == (run / f"ckpt-{lost}{INDEX}").read_bytes()


def test_rebuilt_checksums_vouch_for_nothing(tmp_path: Path) -> None:
    bundle(tmp_path / "model.ckpt-5", values(5))
    prefix = bundle(tmp_path / "model.ckpt-7", values(7))
    index_of(prefix).unlink()
    store = open_source(prefix)
    assert {tensor.checked().health for tensor in store} == {Health.UNVERIFIED}
    assert "index-rebuilt" in [finding.code for finding in store.findings]
    for tensor in store:
        assert np.array_equal(tensor.fetch(), values(7)[str(tensor.name)])


@pytest.mark.parametrize(("kept", "whole"), [(0.1, 0), (0.5, 2), (0.9, 4), (0.9999, 5)])
def test_of_data_that_is_cut_off_all_that_is_whole(kept: float, whole: int, tmp_path: Path) -> None:
    bundle(tmp_path / "model.ckpt-5", values(5))
    prefix = bundle(tmp_path / "model.ckpt-7", values(7))
    index_of(prefix).unlink()
    data = data_of(prefix).read_bytes()
    data_of(prefix).write_bytes(data[: int(len(data) * kept)])
    if not whole:
        assert rebuild_index(prefix, {0: data_of(prefix)}, 1) is not None
        return
    store = open_source(prefix)
    assert len(store) == whole
    for tensor in store:
        assert np.array_equal(tensor.fetch(), values(7)[str(tensor.name)])
    (lost,) = [f for f in store.findings if f.code == "data-truncated"]
    assert lost.message.startswith(f"{6 - whole} tensors are cut off")


def longer(folder: Path) -> None:
    bundle(folder / "model.ckpt-5", values(5) | {"more": np.zeros(3, np.float32)})


def reshaped(folder: Path) -> None:
    bundle(folder / "model.ckpt-5", values(5) | {"layer1/kernel": np.zeros((64, 31), np.float32)})


@pytest.mark.parametrize("sibling", [longer, reshaped])
def test_a_layout_of_another_size_is_refused(
    sibling: Callable[[Path], None], tmp_path: Path
) -> None:
    sibling(tmp_path)
    prefix = bundle(tmp_path / "model.ckpt-7", values(7))
    index_of(prefix).unlink()
    data_of(prefix).write_bytes(data_of(prefix).read_bytes() + bytes(1 << 16))
    with pytest.raises(SourceError, match="the index is not there"):
        open_source(prefix)


def test_a_counter_that_contradicts_the_name_is_refused(tmp_path: Path) -> None:
    tensors = {"a": np.array(123, np.int64), "global_step": np.array(7, np.int64)}
    prefix = bundle(tmp_path / "model.ckpt-7", tensors)
    index_of(prefix).unlink()
    other = {"global_step": np.array(5, np.int64), "z": np.array(1, np.int64)}
    sibling = bundle(tmp_path / "model.ckpt-5", other)
    with pytest.raises(SourceError, match="the index is not there"):
        open_source(prefix)
    with pytest.raises(SourceError, match="global_step would be 123, the name says 7"):
        rebuild_index(prefix, {0: data_of(prefix)}, 1, [sibling])


def test_two_layouts_that_disagree_are_told(tmp_path: Path) -> None:
    prefix = bundle(
        tmp_path / "model.ckpt-7", {"a": np.zeros(4, np.float32), "b": np.ones(6, np.float32)}
    )
    bundle(tmp_path / "model.ckpt-5", {"a": np.zeros(4, np.float32), "b": np.ones(6, np.float32)})
    bundle(tmp_path / "model.ckpt-6", {"a": np.zeros(6, np.float32), "b": np.ones(4, np.float32)})
    index_of(prefix).unlink()
    with pytest.raises(SourceError, match="both fit the data and disagree"):
        open_source(prefix)


def test_one_of_two_data_files_is_missing(tmp_path: Path) -> None:
    bundle(tmp_path / "model.ckpt-5", values(5), shards=2)
    prefix = bundle(tmp_path / "model.ckpt-7", values(7), shards=2)
    index_of(prefix).unlink()
    data_of(prefix, 0, 2).unlink()
    store = open_source(prefix)
    assert sorted(str(tensor.name) for tensor in store) == [
        "layer1/kernel",
        "layer3/kernel",
        "step",
    ]
    for tensor in store:
        assert np.array_equal(tensor.fetch(), values(7)[str(tensor.name)])


@pytest.mark.parametrize(
    "name",
    [
        "model.ckpt-7.data-00000-of-00001.tempstate123",
        "model.ckpt-7_temp/part-00000-of-00001.data-00000-of-00001.tempstate123",
        f"model.ckpt-7_temp_{'0a' * 16}/part-00000-of-00001.data-00000-of-00001.tempstate123",
    ],
)
def test_a_save_that_was_killed_while_it_wrote(name: str, tmp_path: Path) -> None:
    bundle(tmp_path / "model.ckpt-5", values(5))
    prefix = bundle(tmp_path / "elsewhere" / "model.ckpt-7", values(7))
    target = tmp_path / name
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(data_of(prefix).read_bytes()[: 2 * 8192 + 1000])
    store = open_source(tmp_path / "model.ckpt-7")
    assert [str(tensor.name) for tensor in store] == ["layer0/kernel", "layer1/kernel"]
    for tensor in store:
        assert np.array_equal(tensor.fetch(), values(7)[str(tensor.name)])
    assert open_source(tmp_path).path == str(tmp_path)
    assert len(open_source(tmp_path)) == 6, "of a folder, the save that is whole"


def test_a_killed_save_with_nothing_that_tells_its_layout(tmp_path: Path) -> None:
    (tmp_path / "m-1.data-00000-of-00001.tempstate9").write_bytes(bytes(100))
    with pytest.raises(SourceError, match="killed while it wrote, before its index"):
        open_source(tmp_path / "m-1")


def test_the_gaps_of_a_damaged_index_are_filled(tmp_path: Path) -> None:
    """Entries that the damaged index still proves keep their stored checksums."""
    run = CHECKPOINTS / "run_keras3"
    for step in (2, 4):
        for end in (DATA, INDEX):
            shutil.copyfile(run / f"ckpt-{step}{end}", tmp_path / f"ckpt-{step}{end}")
    path = tmp_path / f"ckpt-4{INDEX}"
    whole = path.read_bytes()
    path.write_bytes(whole[:300] + bytes(64) + whole[364:])
    index = found(tmp_path / "ckpt-4")
    assert as_bytes(index) == whole
    assert 0 < len(index.rebuilt) <= len(index.entries)


@pytest.mark.parametrize("run", RUNS, ids=lambda path: path.name)
@pytest.mark.parametrize("percent", [30, 60, 90, 99])
def test_of_a_cut_save_of_objects_all_that_is_whole(
    run: Path, percent: int, tmp_path: Path
) -> None:
    """The object graph is cut off first, as it comes last."""
    for end in (DATA, INDEX):
        shutil.copyfile(run / f"ckpt-2{end}", tmp_path / f"ckpt-2{end}")
    content = (run / f"ckpt-4{DATA}").read_bytes()
    cut = content[: len(content) * percent // 100]
    (tmp_path / f"ckpt-4{DATA}").write_bytes(cut)
    whole = found(run / "ckpt-4").entries
    inside = {k: e for k, e in whole.items() if e.offset + e.size <= len(cut) and not e.slices}
    assert found(tmp_path / "ckpt-4").entries == inside
