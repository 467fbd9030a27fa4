import shutil
from pathlib import Path

import pytest

from tests.wire.goldens import CHECKPOINTS
from tfrepair.core.digest import array_digest
from tfrepair.core.errors import SourceError
from tfrepair.core.tensor import Health, TensorStore
from tfrepair.readers.registry import open_source

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
        assert codes(store) == ["interrupted-save-finished"]


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
