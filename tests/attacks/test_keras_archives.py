"""Rule: an archive with a model cannot make us write, run or expand; its checksum is used."""

import json
import struct
import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from tests.attacks import hostile
from tests.readers.keras_goldens import FOLDER
from tfrepair.core.errors import Corrupt, OverLimit, SourceError, Truncated, Unsupported
from tfrepair.core.findings import Severity
from tfrepair.core.tensor import Health, Limits, TensorStore
from tfrepair.readers.registry import open_source

GOLDEN = FOLDER / "keras3" / "cnn.keras"


def members() -> dict[str, bytes]:
    with zipfile.ZipFile(GOLDEN) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("name", ["../../escape.h5", "/etc/escape", "assets/../../x", "C:\\x"])
def test_member_names_are_only_names(name: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    path = hostile.put(tmp_path / "in" / "w.keras", hostile.npz({**members(), name: b"x"}))
    assert open_source(path)["conv_a/kernel"].fetch().shape == (3, 3, 2, 3)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["in", "w.keras"]


@pytest.mark.parametrize("name", ["model.weights.h5", "config.json"])
def test_two_members_of_one_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / "w.keras"
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in members().items():
            archive.writestr(member, data)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr(name, b"{}")
    with pytest.raises(Corrupt, match=f"2 members are called {name}"):
        open_source(path)


def test_compressed_members_are_read(tmp_path: Path) -> None:
    path = hostile.put(tmp_path / "w.keras", hostile.npz(members(), method=zipfile.ZIP_DEFLATED))
    store, golden = open_source(path), open_source(GOLDEN)
    assert [t.fetch().tolist() for t in store] == [t.fetch().tolist() for t in golden]
    assert [(t.name, t.slot_of) for t in store] == [(t.name, t.slot_of) for t in golden]
    assert {tensor.origin.offset for tensor in store} == {None}
    assert {tensor.checked().health for tensor in store} == {Health.VERIFIED}


@pytest.mark.parametrize("name", ["model.weights.h5", "config.json"])
def test_bombs(name: str, tmp_path: Path) -> None:
    held = {**members(), name: bytes(1 << 24)}
    path = hostile.put(tmp_path / "w.keras", hostile.npz(held, method=zipfile.ZIP_DEFLATED))
    del held
    tracemalloc.start()
    with pytest.raises(OverLimit, match=f"{name}.*more than 100 times"):
        open_source(path, limits=Limits(max_expansion=100))
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_sizes_that_lie(tmp_path: Path) -> None:
    data = bytearray(hostile.npz(members()))
    central = data.rindex(b"PK\x01\x02")  # of the weights, the last member
    for at in (20, 24):
        struct.pack_into("<I", data, central + at, 1 << 30)
    path = hostile.put(tmp_path / "w.keras", bytes(data))
    with pytest.raises(Truncated, match=f"takes {1 << 30} bytes"):
        open_source(path)


def test_a_directory_that_points_elsewhere(tmp_path: Path) -> None:
    data = bytearray(hostile.npz(members()))
    struct.pack_into("<I", data, data.rindex(b"PK\x01\x02") + 42, 11)
    path = hostile.put(tmp_path / "w.keras", bytes(data))
    with pytest.raises(Corrupt, match=r"expected the header of model\.weights\.h5"):
        open_source(path)


def test_pickled_weights(tmp_path: Path) -> None:
    held = {"config.json": b"{}", "model.weights.npz": b"PK"}
    path = hostile.put(tmp_path / "w.keras", hostile.npz(held))
    with pytest.raises(Unsupported, match="pickled Python objects"):
        open_source(path)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.996])
def test_cut_archives(share: float, tmp_path: Path) -> None:
    data = GOLDEN.read_bytes()
    path = hostile.put(tmp_path / "w.keras", data[: int(share * len(data))])
    whole = {tensor.name: tensor.fetch() for tensor in open_source(GOLDEN)}
    if share < 0.5:  # the first arrays lie behind that
        with pytest.raises(Truncated, match="are missing"):
            open_source(path)
        return
    store = open_source(path)
    assert any(finding.code == "archive-without-directory" for finding in store.findings)
    assert json.loads(store.attributes["model_config"])
    found = [tensor for tensor in store if tensor.is_whole]
    assert found
    health = Health.VERIFIED if share > 0.99 else Health.UNVERIFIED
    assert {tensor.checked().health for tensor in found} == {health}
    values = [value.tobytes() for value in whole.values()]
    assert all(tensor.fetch().tobytes() in values for tensor in found)


def changed(tmp_path: Path, place: int, mask: int) -> TensorStore:
    data = bytearray(GOLDEN.read_bytes())
    data[place] ^= mask
    return open_source(hostile.put(tmp_path / "w.keras", bytes(data)))


def test_a_flipped_bit_is_found_and_set_right_in_memory(tmp_path: Path) -> None:
    golden = open_source(GOLDEN)
    offset = golden["dense_1/kernel"].origin.offset
    assert offset is not None
    store = changed(tmp_path, offset + 5, 64)
    assert [finding.code for finding in store.findings] == ["bit-corrected"]
    for tensor, want in zip(store, golden, strict=True):
        checked = tensor.checked()
        is_hit = str(tensor.name) == "dense_1/kernel"
        assert checked.health is (Health.CORRECTED if is_hit else Health.VERIFIED)
        assert tensor.fetch().tobytes() == want.fetch().tobytes()
        assert tensor.origin == replace(want.origin, path=tensor.origin.path)


def test_a_flipped_bit_of_metadata_is_set_right_before_anything_is_read(tmp_path: Path) -> None:
    golden = open_source(GOLDEN)
    place = GOLDEN.read_bytes().index(b"TREE")
    store = changed(tmp_path, place, 1)
    assert [finding.code for finding in store.findings] == ["bit-corrected"]
    assert [(t.name, t.fetch().tobytes()) for t in store] == [
        (t.name, t.fetch().tobytes()) for t in golden
    ]


def test_more_than_a_bit_is_a_warning_and_the_values_are_kept(tmp_path: Path) -> None:
    golden = open_source(GOLDEN)
    offset = golden["dense_1/kernel"].origin.offset
    assert offset is not None
    store = changed(tmp_path, offset, 3)
    (finding,) = store.findings
    assert (finding.code, finding.severity) == ("archive-checksum", Severity.WARNING)
    checked = store["conv_a/kernel"].checked()
    assert checked.health is Health.UNVERIFIED
    assert "CRC-32" in checked.health_note
    assert store["conv_a/kernel"].fetch().tolist() == golden["conv_a/kernel"].fetch().tolist()


def test_a_large_member_is_compared_when_it_is_examined(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tfrepair.readers.keras_zip.SMALL", 0)
    golden = open_source(GOLDEN)
    assert {tensor.checked().health for tensor in golden} == {Health.VERIFIED}
    offset = golden["dense_1/kernel"].origin.offset
    assert offset is not None
    store = changed(tmp_path, offset + 3, 64)  # of the exponent: the value becomes very large
    healths = {str(tensor.name): tensor.checked().health for tensor in store}
    assert healths.pop("dense_1/kernel") is Health.CORRUPT
    assert set(healths.values()) == {Health.UNVERIFIED}


def test_a_changed_config_costs_names_only(tmp_path: Path) -> None:
    data = bytearray(GOLDEN.read_bytes())
    data[data.index(b'"class_name": "Sequential"') + 3] ^= 1
    store = open_source(hostile.put(tmp_path / "w.keras", bytes(data)))
    assert [finding.code for finding in store.findings][:1] == ["unreadable-config"]
    assert str(store.tensors[0].name) == "conv_a/0"  # stored beside the weights


@pytest.mark.parametrize(
    "config",
    [
        b"",
        b"{",
        b"[" * 200_000,
        b'{"class_name": 1}',
        json.dumps({"class_name": "Functional", "config": {"layers": 5}}).encode(),
        b'{"class_name":"A","config":{"layer":' * 500 + b"1" + b"}}" * 500,
        b"\xff\xfe",
        b'{"compile_config": {"optimizer": {"class_name": ["os", "system"], "config": 3}}}',
    ],
)
def test_configs_are_data(config: bytes, tmp_path: Path) -> None:
    path = hostile.put(tmp_path / "w.keras", hostile.npz({**members(), "config.json": config}))
    store = open_source(path)
    assert len(store) == len(open_source(GOLDEN))
    assert all(tensor.is_whole for tensor in store)


def test_weights_that_are_no_hdf5(tmp_path: Path) -> None:
    held = {**members(), "model.weights.h5": b"\x80\x04cos\nsystem\n."}
    path = hostile.put(tmp_path / "w.keras", hostile.npz(held))
    with pytest.raises(SourceError, match=r"model\.weights\.h5"):
        open_source(path)


def test_nothing_is_read_twice_into_memory(tmp_path: Path) -> None:
    held = {**members(), "assets/large.txt": bytes(1 << 24)}
    path = hostile.put(tmp_path / "w.keras", hostile.npz(held))
    del held
    tracemalloc.start()
    store = open_source(path)
    for tensor in store:
        tensor.checked()
    assert tracemalloc.get_traced_memory()[1] < 1 << 21
    tracemalloc.stop()
