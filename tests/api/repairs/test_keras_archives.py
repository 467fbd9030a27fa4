import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

import tfrepair
from tests.readers.keras_goldens import FOLDER
from tfrepair.api.repairing import repair
from tfrepair.api.repairs.job import Action
from tfrepair.api.repairs.keras_optimizers import optimizer_from_config
from tfrepair.core.errors import SourceError

CASES = ("cnn", "nested", "rnn", "both")


def config_of(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        config: dict[str, Any] = json.loads(archive.read("config.json"))
    return config


def forgetful(case: str, path: Path) -> Path:
    """Write an archive as Keras 3 does after the model was saved as .h5."""
    with zipfile.ZipFile(FOLDER / "keras3" / f"{case}.keras") as source:
        members = {name: source.read(name) for name in source.namelist()}
    config = json.loads(members["config.json"])
    del config["compile_config"]["optimizer"]
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def codes(path: Path) -> set[str]:
    return {finding.code for finding in tfrepair.open(path).findings}


@pytest.mark.parametrize("case", CASES)
def test_the_optimizer_is_written_back_as_its_variables_tell_it(case: str, tmp_path: Path) -> None:
    broken, fixed = forgetful(case, tmp_path / "broken.keras"), tmp_path / "fixed.keras"
    before = broken.read_bytes()
    assert "optimizer-not-in-config" in codes(broken)
    result = repair(broken, fixed)
    assert result.exit_code == 3  # what no variable holds is assumed
    assert broken.read_bytes() == before
    assert "optimizer-not-in-config" not in codes(fixed)
    want = config_of(FOLDER / "keras3" / f"{case}.keras")["compile_config"]["optimizer"]
    have = config_of(fixed)["compile_config"]["optimizer"]
    assert have["class_name"] == want["class_name"]
    assert set(have["config"]) == set(want["config"])
    assumed = {"nesterov", "momentum", "rho", "beta_1", "beta_2", "epsilon"}
    for name in set(want["config"]) - assumed:
        assert have["config"][name] == want["config"][name]
    golden = tfrepair.open(FOLDER / "keras3" / f"{case}.keras").by_name
    for tensor in tfrepair.open(fixed):
        assert tensor.fetch().tobytes() == golden[tensor.name].fetch().tobytes()
    assert "optimizer" in Path(result.note).read_text()


@pytest.mark.parametrize("case", CASES)
def test_a_donor_tells_every_setting(case: str, tmp_path: Path) -> None:
    broken, fixed = forgetful(case, tmp_path / "broken.keras"), tmp_path / "fixed.keras"
    result = repair(broken, fixed, donors=[FOLDER / "keras3" / f"{case}.h5"])
    assert result.counts[Action.DONOR] == 1
    want = config_of(FOLDER / "keras3" / f"{case}.keras")["compile_config"]["optimizer"]
    assert config_of(fixed)["compile_config"]["optimizer"] == want


def test_a_donor_with_another_optimizer_is_not_taken(tmp_path: Path) -> None:
    broken, fixed = forgetful("cnn", tmp_path / "broken.keras"), tmp_path / "fixed.keras"
    result = repair(broken, fixed, donors=[FOLDER / "keras3" / "rnn.h5"])
    assert Action.DONOR not in result.counts
    assert config_of(fixed)["compile_config"]["optimizer"]["class_name"] == "Adam"


def test_a_flipped_bit_is_set_right_in_the_copy(tmp_path: Path) -> None:
    golden = FOLDER / "keras3" / "cnn.keras"
    offset = tfrepair.open(golden)["dense_1/kernel"].origin.offset
    assert offset is not None
    data = bytearray(golden.read_bytes())
    data[offset + 1] ^= 8
    broken, fixed = tmp_path / "broken.keras", tmp_path / "fixed.keras"
    broken.write_bytes(data)
    result = repair(broken, fixed)
    assert result.exit_code == 0
    assert result.counts[Action.CORRECTED] == 1
    with zipfile.ZipFile(fixed) as archive, zipfile.ZipFile(golden) as want:
        assert {n: archive.read(n) for n in archive.namelist()} == {
            n: want.read(n) for n in want.namelist()
        }


def test_a_changed_archive_is_copied_and_nothing_is_vouched_for(tmp_path: Path) -> None:
    data = bytearray((FOLDER / "keras3" / "cnn.keras").read_bytes())
    offset = tfrepair.open(FOLDER / "keras3" / "cnn.keras")["dense_1/kernel"].origin.offset
    assert offset is not None
    data[offset] ^= 3
    broken, fixed = tmp_path / "broken.keras", tmp_path / "fixed.keras"
    broken.write_bytes(data)
    result = repair(broken, fixed)
    assert result.exit_code == 3
    assert set(result.counts) == {Action.REBUILT}


def test_an_unknown_optimizer_needs_a_donor(tmp_path: Path) -> None:
    broken = forgetful("cnn", tmp_path / "broken.keras")
    data = broken.read_bytes()
    with zipfile.ZipFile(broken) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    assert data.count(b"adam") >= 1
    weights = members["model.weights.h5"].replace(b"adam\0", b"mine\0")
    with zipfile.ZipFile(broken, "w") as archive:
        for name, content in {**members, "model.weights.h5": weights}.items():
            archive.writestr(name, content)
    with pytest.raises(SourceError, match="no class of Keras"):
        repair(broken, tmp_path / "fixed.keras")
    assert not (tmp_path / "fixed.keras").exists()


@pytest.mark.parametrize("given", [None, {}, {"class_name": "Adam"}, {"config": {}}, [1]])
def test_what_is_no_optimizer_tells_nothing(given: object) -> None:
    assert optimizer_from_config(given) is None
