"""Repairs of Keras' HDF5 files and archives: the output opens, and has the bits that were left."""

import shutil
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.api.saves import photograph
from tests.readers.keras_goldens import FOLDER
from tests.readers.test_h5_salvage import killed, other_values, stored
from tfrepair.api.repairing import repair
from tfrepair.api.repairs.job import Action
from tfrepair.cli.main import app
from tfrepair.core.digest import array_digest
from tfrepair.core.errors import SourceError
from tfrepair.core.tensor import TensorStore
from tfrepair.readers.registry import open_source

FILES = ["keras1/cnn.h5", "keras2_2/both.h5", "tf_keras/nested.h5", "keras3/rnn.weights.h5"]


def digests(store: TensorStore) -> dict[str, str]:
    return {str(tensor.name): array_digest(tensor.fetch()) for tensor in store}


@pytest.mark.parametrize("name", FILES)
def test_a_cut_file_with_a_sibling(name: str, tmp_path: Path) -> None:
    data = (FOLDER / name).read_bytes()
    run = tmp_path / "run"
    run.mkdir()
    damaged = run / "save-2.h5"
    damaged.write_bytes(data[: len(data) * 9 // 10])
    (run / "save-1.h5").write_bytes(other_values(data))
    before = photograph(run)
    out = tmp_path / "fixed.h5"
    result = repair(damaged, out)
    assert photograph(run) == before
    assert result.exit_code == (3 if Action.REBUILT in result.counts or result.lost else 0)
    whole = digests(open_source(FOLDER / name))
    found = digests(open_source(out))
    assert len(found) == sum(item.end <= len(data) * 9 // 10 for item in stored(data).values())
    assert set(found.values()) <= set(whole.values())
    assert found.keys() & whole.keys()
    with h5py.File(out, "r") as file:
        assert len(file) > 0
    assert "What was done" in Path(result.note).read_text()


def test_a_donor_fills_what_is_lost(tmp_path: Path) -> None:
    data = (FOLDER / "tf_keras" / "cnn.h5").read_bytes()
    damaged, donor = tmp_path / "new.h5", tmp_path / "old" / "save.h5"
    damaged.write_bytes(data[: len(data) * 7 // 10])
    donor.parent.mkdir()
    donor.write_bytes(other_values(data))
    out = tmp_path / "fixed.h5"
    result = repair(damaged, out, donors=[donor], templates=[donor])
    assert not result.lost
    assert result.counts[Action.DONOR] > 0
    whole = open_source(FOLDER / "tf_keras" / "cnn.h5")
    fixed = open_source(out)
    assert [str(t.name) for t in fixed] == [str(t.name) for t in whole]
    old = digests(open_source(donor))
    for part in result.parts:
        have = array_digest(fixed[part.name].fetch())
        source = old if part.action is Action.DONOR else digests(whole)
        assert have == source[part.name]


def test_a_killed_file_needs_a_twin(tmp_path: Path) -> None:
    data = (FOLDER / "keras3" / "cnn.h5").read_bytes()
    damaged = tmp_path / "killed.h5"
    damaged.write_bytes(killed(data, len(data)))
    with pytest.raises(SourceError) as caught:
        repair(damaged, tmp_path / "fixed.h5")
    assert "--template" in caught.value.remedy
    twin = tmp_path / "elsewhere" / "other.h5"
    twin.parent.mkdir()
    twin.write_bytes(other_values(data))
    result = repair(damaged, tmp_path / "fixed.h5", templates=[twin])
    zeros = sum(not item.value.any() for item in stored(data).values())
    assert len(result.lost) == zeros
    assert result.counts[Action.REBUILT] == len(stored(data)) - zeros
    assert result.exit_code == 3


def test_an_archive_without_its_directory(tmp_path: Path) -> None:
    golden = FOLDER / "keras3" / "cnn.keras"
    data = golden.read_bytes()
    damaged = tmp_path / "model.keras"
    damaged.write_bytes(data[: len(data) * 95 // 100])
    shutil.copyfile(golden, tmp_path / "before.keras")
    out = tmp_path / "fixed.keras"
    result = repair(damaged, out)
    assert result.format == "keras_zip"
    whole, found = digests(open_source(golden)), digests(open_source(out))
    assert set(found.values()) <= set(whole.values())
    assert len(found) > len(whole) // 2
    with zipfile.ZipFile(out) as archive:
        assert archive.testzip() is None
        assert {"config.json", "metadata.json", "model.weights.h5"} == set(archive.namelist())
    assert all(t.checked().health.value == "verified" for t in open_source(out))


def test_weights_that_lie_beside_their_archive(tmp_path: Path) -> None:
    golden = FOLDER / "keras3" / "cnn.keras"
    data = golden.read_bytes()
    end = data.index(b"model.weights.h5") - 30
    (tmp_path / "model.keras").write_bytes(data[:end])
    with zipfile.ZipFile(golden) as archive:
        (tmp_path / "tmpab12cd34").write_bytes(archive.read("model.weights.h5"))
    store = open_source(tmp_path / "model.keras")
    assert digests(store) == digests(open_source(golden))
    assert any(f.code == "orphaned-weights" for f in store.findings)
    repair(tmp_path / "model.keras", tmp_path / "fixed.keras")
    assert digests(open_source(tmp_path / "fixed.keras")) == digests(store)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = (FOLDER / "keras2_2" / "cnn.h5").read_bytes()
    (tmp_path / "w.h5").write_bytes(data[:-500])
    (tmp_path / "v.h5").write_bytes(other_values(data))
    with pytest.raises(SystemExit) as ended:
        app(["repair", str(tmp_path / "w.h5"), "-o", str(tmp_path / "fixed.h5")])
    assert ended.value.code in (0, 3)
    said = capsys.readouterr().out
    assert "cut: expected" in said
    assert "weights: " in said


def test_a_whole_file_is_a_plain_copy(tmp_path: Path) -> None:
    source = FOLDER / "keras3" / "both.h5"
    result = repair(source, tmp_path / "copy.h5")
    assert result.actions == ()
    assert result.exit_code == 0
    assert digests(open_source(source)) == digests(open_source(tmp_path / "copy.h5"))


def test_bfloat16_stays_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group("layers/dense/vars")
        made = group.create_dataset("0", data=np.arange(6, dtype=np.uint16).view("V2"))
        made.attrs["dtype"] = "bfloat16"
        group["1"] = np.arange(5000.0)
    path.write_bytes(path.read_bytes()[:-64])
    repair(path, tmp_path / "fixed.h5")
    (tensor,) = open_source(tmp_path / "fixed.h5")
    assert tensor.dtype == "bfloat16"


@pytest.mark.tf
def test_the_configuration_in_the_file_tells_the_layout(tmp_path: Path) -> None:
    golden = FOLDER / "tf_keras" / "both.keras"
    data = golden.read_bytes()
    with zipfile.ZipFile(golden) as archive:
        weights = archive.read("model.weights.h5")
    begin = data.index(weights[:96])
    length = begin + len(weights) * 30 // 100
    damaged = tmp_path / "model.keras"
    damaged.write_bytes(data[:length])
    there = [item for item in stored(weights).values() if begin + item.end <= length]
    plain = [t for t in open_source(damaged) if t.is_whole and "unnamed" not in t.name]
    result = repair(damaged, tmp_path / "fixed.keras")
    whole, found = digests(open_source(golden)), digests(open_source(tmp_path / "fixed.keras"))
    assert len(plain) < len(found) == len(there)
    assert not any("unnamed" in name for name in found)
    assert set(found.values()) <= set(whole.values())
    assert not any("unnamed" in part.name for part in result.parts)
