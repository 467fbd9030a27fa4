"""Rule: an HDF5 file gives what lies in it, costs no more than it holds, and is never followed.

Each test is an idea that worked against some reader of Keras files: CVE-2026-1669 (external
storage and links), CVE-2026-0897 (shapes), CVE-2025-9905 and CVE-2024-3660 (code in a config).
"""

import json
import shutil
import tracemalloc
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.readers.keras_goldens import FOLDER
from tfrepair.core.errors import Corrupt, OverLimit, Refused, SourceError, Truncated, Unsupported
from tfrepair.core.tensor import Health, Limits
from tfrepair.readers.registry import open_source

SECRET = np.arange(4.0, dtype="float32")


def new(path: Path, **options: Any) -> h5py.File:
    return h5py.File(path, "w", **options)


def add_layer(file: h5py.File, name: str = "dense", raw: str = "dense/kernel:0") -> h5py.Group:
    file.attrs["layer_names"] = [name.encode()]
    group = file.create_group(name)
    group.attrs["weight_names"] = [raw.encode()]
    return group


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.h5"
    with new(path) as file:
        file["w"] = SECRET
    (tmp_path / "secret.bin").write_bytes(SECRET.tobytes())
    return path


def test_link_to_another_file(secret: Path, tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    with new(path) as file:
        add_layer(file)["dense/kernel:0"] = h5py.ExternalLink(str(secret), "/w")
    with pytest.raises(Refused, match=r"dense/kernel:0: a link to a file"):
        open_source(path)


@pytest.mark.parametrize("target", ["/elsewhere", "/dense/other", "/nowhere"])
def test_soft_links(target: str, tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    with new(path) as file:
        file["elsewhere"] = SECRET
        group = add_layer(file)
        group["other"] = SECRET
        group["dense/kernel:0"] = h5py.SoftLink(target)
    with pytest.raises(Refused, match="a soft link"):
        open_source(path)


def test_data_in_another_file(secret: Path, tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    with new(path) as file:
        place = [(str(secret.with_suffix(".bin")), 0, 16)]
        add_layer(file).create_dataset("dense/kernel:0", (4,), "float32", external=place)
    with pytest.raises(Refused, match="1 other files"):
        open_source(path)


def test_virtual_dataset(secret: Path, tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    layout = h5py.VirtualLayout(shape=(4,), dtype="float32")
    layout[:] = h5py.VirtualSource(str(secret), "w", shape=(4,))
    with new(path) as file:
        add_layer(file).create_virtual_dataset("dense/kernel:0", layout)
    with pytest.raises(Refused, match="a virtual dataset"):
        open_source(path)


@pytest.mark.parametrize("name", ["/hidden", "//hidden", "/"])
def test_listed_names_stay_in_their_group(name: str, tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    with new(path) as file:
        file["hidden"] = SECRET
        add_layer(file, raw=name)["kernel"] = SECRET
    store = open_source(path)
    absent = [finding for finding in store.findings if finding.code == "listed-but-absent"]
    assert len(absent) == 1
    assert "leaves its group" in absent[0].message
    assert {str(tensor.name) for tensor in store} == {"dense/kernel", "hidden"}  # in no list


def test_shapes_without_data(tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    with new(path) as file:
        group = add_layer(file)
        group.create_dataset("dense/kernel:0", (1 << 20, 1 << 12), "float32")
        file["small"] = SECRET
    tracemalloc.start()
    store = open_source(path)
    tensor = store["dense/kernel"]
    assert tensor.health is Health.CORRUPT
    with pytest.raises(Corrupt, match=f"{1 << 34} bytes are announced, none"):
        tensor.fetch()
    assert tracemalloc.get_traced_memory()[1] < 1 << 22
    tracemalloc.stop()
    assert store["small"].fetch().tolist() == SECRET.tolist()


def test_compression_bomb(tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    with new(path) as file:
        options: dict[str, Any] = {"chunks": (1 << 22,), "compression": "gzip"}
        add_layer(file).create_dataset("dense/kernel:0", data=np.zeros(1 << 22, "f4"), **options)
        file["small"] = SECRET
    store = open_source(path, limits=Limits(max_expansion=100))
    with pytest.raises(OverLimit, match="100 times"):
        store["dense/kernel"].fetch()
    assert not store["dense/kernel"].is_whole
    assert store["small"].is_whole
    assert open_source(path)["dense/kernel"].fetch().sum() == 0


def test_tensor_over_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    with new(path) as file:
        add_layer(file)["dense/kernel:0"] = np.zeros(100, "float32")
    store = open_source(path, limits=Limits(max_tensor_bytes=100))
    with pytest.raises(OverLimit, match="400 bytes, the limit is 100"):
        store["dense/kernel"].fetch()


def test_one_text_named_many_times(tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    big = "x" * (1 << 20)
    with new(path) as file:
        names = np.array([big] + ["y"] * 999, dtype=object)
        file.create_group("dense").attrs["weight_names"] = names
        file.attrs["layer_names"] = [b"dense"]
        file["dense/kernel"] = SECRET
    data = bytearray(path.read_bytes())
    at = data.index((1 << 20).to_bytes(4, "little") + bytes([0]) * 0)
    while data[at + 16 : at + 20] != (1).to_bytes(4, "little"):
        at = data.index((1 << 20).to_bytes(4, "little"), at + 1)
    data[at : at + 16_000] = data[at : at + 16] * 1000
    path.write_bytes(data)
    tracemalloc.start()
    store = open_source(path)
    assert tracemalloc.get_traced_memory()[1] < 1 << 24
    tracemalloc.stop()
    assert [finding.code for finding in store.findings] == ["damaged-attribute"]
    assert f"texts of {1000 << 20} bytes" in store.findings[0].message


def test_groups_that_contain_each_other(tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    with new(path) as file:
        file["a/b/w"] = SECRET
        file["a/b/again"] = file["a"]
        file["twice"] = file["a/b"]
    store = open_source(path)
    assert len(store) == 1
    found = [finding for finding in store.findings if "second link" in finding.message]
    assert len(found) == 2


def test_depth_and_number(tmp_path: Path) -> None:
    deep, many = tmp_path / "deep.h5", tmp_path / "many.h5"
    with new(deep) as file:
        file["/".join("a" * 200)] = SECRET
    with new(many) as file:
        for place in range(50):
            file[f"w{place}"] = SECRET
    with pytest.raises(OverLimit, match="64 deep"):
        open_source(deep)
    with pytest.raises(OverLimit, match="more than 40 objects"):
        open_source(many, limits=Limits(max_tensors=10))


def test_other_types_are_no_tensors(tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    with new(path) as file:
        file["w"] = SECRET
        file.create_dataset("texts", data=["a", "b"], dtype=h5py.string_dtype())
        file.create_dataset("ragged", (2,), h5py.vlen_dtype("int32"))
        file.create_dataset("links", data=[file["w"].ref], dtype=h5py.ref_dtype)
        file.create_dataset("fields", data=np.zeros(2, [("a", "f4"), ("b", "i8")]))
        file.create_dataset("odd", data=np.zeros(2, "V7"))
        file["half"], file["truth"] = np.array([1, 2], "float16"), np.array([True, False])
        file["big"], file["complex"] = np.arange(3, dtype=">i4"), np.array([1j])
        file["scalar"], file["empty"] = np.float64(2), np.zeros((0, 3))
        file["none"] = h5py.Empty("float32")
    store = open_source(path)
    names = [str(tensor.name) for tensor in store]
    assert names == ["big", "complex", "empty", "half", "scalar", "truth", "w"]
    assert {finding.code for finding in store.findings} == {"not-a-tensor"}
    assert len(store.findings) == 6
    for tensor in store:
        array = tensor.fetch()
        assert (array.shape, array.dtype.name) == (tensor.shape, tensor.dtype)
    assert store["big"].fetch().tolist() == [0, 1, 2]
    assert store["truth"].fetch().tolist() == [True, False]


def test_a_damaged_chunk_does_not_hide_the_others(tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    values = np.random.default_rng(1).normal(size=4096).astype("float32")
    with new(path) as file:
        for name in ("a", "b"):
            file.create_dataset(name, data=values, chunks=(1024,), compression="gzip")
        file.create_dataset("summed", data=values, chunks=(1024,), fletcher32=True)
        file.create_dataset("foreign", data=values, chunks=(1024,), compression="lzf")
        offset = file["b"].id.get_chunk_info(2).byte_offset
    data = bytearray(path.read_bytes())
    data[offset + 100 : offset + 200] = bytes(100)
    path.write_bytes(data)
    store = open_source(path)
    health = {str(tensor.name): tensor.checked().health for tensor in store}
    assert health == {
        "a": Health.UNVERIFIED,
        "b": Health.CORRUPT,
        "foreign": Health.CORRUPT,
        "summed": Health.VERIFIED,
    }
    with pytest.raises(Corrupt, match="cannot be read"):
        store["b"].fetch()
    with pytest.raises(Unsupported, match="filter 32000"):
        store["foreign"].fetch()
    assert store["a"].fetch().tolist() == values.tolist()


def test_cut_files_say_how_much_is_missing(tmp_path: Path) -> None:
    data = (FOLDER / "keras2_2" / "cnn.h5").read_bytes()
    path = tmp_path / "w.h5"
    path.write_bytes(data[: len(data) // 2])
    found = next(f for f in open_source(path).findings if f.code == "salvaged")
    assert f"expected {len(data)} bytes, found {len(data) // 2};" in found.message
    path.write_bytes(data[:1000])
    with pytest.raises(Truncated, match=f"ends at byte {len(data)}, found 1000 bytes"):
        open_source(path)


def test_writers_that_were_stopped(tmp_path: Path) -> None:
    data = bytearray((FOLDER / "keras2_2" / "cnn.h5").read_bytes())
    data[40:48] = (2048).to_bytes(8, "little")
    data[96:2048] = bytes(2048 - 96)
    path = tmp_path / "w.h5"
    path.write_bytes(data)
    found = next(f for f in open_source(path).findings if f.code == "salvaged")
    assert "its writer was stopped" in found.message
    path.write_bytes(data[:2048] + bytes(4096))
    with pytest.raises(Corrupt, match="ends at byte 2048, found 6144"):
        open_source(path)


def test_a_config_is_only_text(tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    shutil.copy(FOLDER / "keras2_2" / "cnn.h5", path)
    marker = tmp_path / "run"
    code = {"class_name": "Lambda", "config": {"function": ["__import__('os')", None, None]}}
    config = {"class_name": "Sequential", "config": [code], "module": f"open('{marker}','w')"}
    with h5py.File(path, "a") as file:
        file.attrs["model_config"] = json.dumps(config)
    store = open_source(path)
    assert json.loads(store.attributes["model_config"]) == config
    assert not marker.exists()


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "nul\0l", '"just text"', "[1, 2]", "{}"])
def test_configs_that_are_none(text: str, tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    shutil.copy(FOLDER / "keras3" / "cnn.h5", path)
    with h5py.File(path, "a") as file:
        for name in ("model_config", "training_config"):
            file.attrs[name] = np.bytes_(text.encode().replace(b"\0", b"")[:60_000])
    store = open_source(path)
    assert store["conv_a/kernel"].is_whole


@pytest.mark.parametrize("block", [512, 1024, 4096])
def test_a_block_of_the_user_in_front(block: int, tmp_path: Path) -> None:
    path = tmp_path / "w.bin"
    with new(path, userblock_size=block) as file:
        add_layer(file)["dense/kernel:0"] = SECRET
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file")
    store = open_source(path)
    assert store["dense/kernel"].fetch().tolist() == SECRET.tolist()
    offset = store["dense/kernel"].origin.offset
    assert offset is not None
    assert path.read_bytes()[offset : offset + 16] == SECRET.tobytes()


@pytest.mark.parametrize("version", ["earliest", "v108", "v110", "latest"])
def test_every_style_of_file(version: str, tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    with new(path, libver=version) as file:
        names = [f"w{place}" for place in range(30)]
        group = add_layer(file)
        group.attrs["weight_names"] = np.array(names, dtype=object)
        for place, name in enumerate(names):
            group[name] = np.full(3, place, "float32")
    store = open_source(path)
    assert [str(tensor.name) for tensor in store] == [f"dense/{name}" for name in names]
    assert [int(tensor.fetch()[0]) for tensor in store] == list(range(30))
    assert not store.findings


def test_a_folder_that_may_only_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "read_only"
    folder.mkdir()
    path = folder / "w.h5"
    shutil.copy(FOLDER / "keras3" / "cnn.h5", path)
    path.chmod(0o400)
    folder.chmod(0o500)
    try:
        store = open_source(path)
        assert all(tensor.fetch().size for tensor in store)
    finally:
        folder.chmod(0o700)
    assert [entry.name for entry in folder.iterdir()] == ["w.h5"]


def test_values_do_not_depend_on_the_file_after_they_were_read(tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    with new(path) as file:
        add_layer(file)["dense/kernel:0"] = SECRET
    store = open_source(path)
    first = store["dense/kernel"].fetch()
    assert not first.flags.writeable
    path.write_bytes(path.read_bytes()[:100])
    assert first.tolist() == SECRET.tolist()
    with pytest.raises(SourceError):
        store["dense/kernel"].fetch()
