"""Repairs of checkpoints: what comes out is, byte for byte, what TensorFlow would have left."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.api.saves import bundle, data_of, index_of, photograph, values
from tests.wire.goldens import CHECKPOINTS
from tfrepair.api.repairing import repair
from tfrepair.api.repairs.job import Action
from tfrepair.cli.main import app
from tfrepair.core.errors import SourceError, UsageError, WriteError
from tfrepair.readers.registry import open_source

KERAS = CHECKPOINTS / "tf2_21" / "keras3_checkpoint"
SHARDED = CHECKPOINTS / "tf2_21" / "max_shard_size"
DATA, INDEX = ".data-00000-of-00001", ".index"
PART = "part-00000-of-00001"


def put(source: Path, end: str, target: Path) -> None:
    target.parent.mkdir(exist_ok=True, parents=True)
    shutil.copyfile(source.with_name(source.name + end), target)


def not_renamed(run: Path) -> None:
    put(KERAS, DATA, run / "ckpt-2_temp" / (PART + DATA))
    put(KERAS, INDEX, run / "ckpt-2_temp" / (PART + INDEX))


def index_left_in_old_temp(run: Path) -> None:
    put(KERAS, DATA, run / ("ckpt-2" + DATA))
    put(KERAS, INDEX, run / ("ckpt-2_temp_" + "0a" * 16) / (PART + INDEX))


def index_created_empty(run: Path) -> None:
    index_left_in_old_temp(run)
    (run / "ckpt-2.index").touch()


def index_not_renamed(run: Path) -> None:
    put(KERAS, DATA, run / ("ckpt-2" + DATA))
    put(KERAS, INDEX, run / ("ckpt-2" + INDEX + ".tempstate123456"))


STATES: tuple[Callable[[Path], None], ...] = (
    not_renamed,
    index_left_in_old_temp,
    index_created_empty,
    index_not_renamed,
)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_an_interrupted_save_is_finished_byte_for_byte(
    state: Callable[[Path], None], tmp_path: Path
) -> None:
    state(tmp_path / "run")
    before = photograph(tmp_path / "run")
    result = repair(tmp_path / "run" / "ckpt-2", tmp_path / "fixed")
    for end in (DATA, INDEX):
        finished = (tmp_path / "fixed" / ("ckpt-2" + end)).read_bytes()
        assert finished == KERAS.with_name(KERAS.name + end).read_bytes()
    assert result.exit_code == 0
    assert result.actions
    assert photograph(tmp_path / "run") == before


def test_some_shards_were_renamed(tmp_path: Path) -> None:
    run = tmp_path / "run"
    store = open_source(SHARDED)
    assert len(store.files) == 4
    result = repair(SHARDED, tmp_path / "copy")
    assert set(result.counts) == {Action.KEPT}
    for file in store.files:
        assert (tmp_path / "copy" / Path(file).name).read_bytes() == Path(file).read_bytes()
    assert not run.exists()


def test_flipped_bits_in_data_and_index_are_set_right(tmp_path: Path) -> None:
    prefix = bundle(tmp_path / "run" / "model.ckpt-7", values(7), shards=2)
    whole = {p.name: p.read_bytes() for p in prefix.parent.iterdir()}
    for path, bit in (
        (data_of(prefix, 0, 2), 4321),
        (data_of(prefix, 1, 2), 99),
        (index_of(prefix), 77),
    ):
        damaged = bytearray(path.read_bytes())
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
    result = repair(prefix, tmp_path / "fixed")
    assert result.exit_code == 0
    assert result.counts[Action.CORRECTED] == 2
    for name, content in whole.items():
        assert (tmp_path / "fixed" / name).read_bytes() == content


def cut(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


def test_what_is_lost_is_left_out_and_said(tmp_path: Path) -> None:
    prefix = bundle(tmp_path / "run" / "model.ckpt-7", values(7))
    cut(data_of(prefix), 8192 * 3 + 100)
    result = repair(prefix, tmp_path / "fixed")
    assert result.exit_code == 3
    assert [part.name for part in result.lost] == ["layer3/kernel", "layer4/kernel", "step"]
    store = open_source(tmp_path / "fixed" / "model.ckpt-7")
    assert [tensor.checked().health.value for tensor in store] == ["verified"] * 3
    note = (tmp_path / "fixed" / "rescue-note.md").read_text()
    assert "`layer3/kernel` (truncated): 0 of 64 rows, 100 of 8192 bytes are there" in note


def test_a_donor_gives_what_is_lost(tmp_path: Path) -> None:
    prefix = bundle(tmp_path / "run" / "model.ckpt-7", values(7))
    older = bundle(tmp_path / "run" / "model.ckpt-5", values(5))
    cut(data_of(prefix), 8192 * 3 + 100)
    result = repair(prefix, tmp_path / "fixed", donors=[older])
    assert (result.exit_code, result.counts[Action.DONOR]) == (3, 3)
    store = open_source(tmp_path / "fixed")
    for tensor in store:
        source = 7 if tensor.name in ("layer0/kernel", "layer1/kernel", "layer2/kernel") else 5
        assert np.array_equal(tensor.fetch(), values(source)[str(tensor.name)])
    assert (tmp_path / "fixed" / "model.ckpt-7.data-00000-of-00001").stat().st_size == 8192 * 5 + 8


def test_a_donor_of_another_shape_or_itself_damaged_gives_nothing(tmp_path: Path) -> None:
    prefix = bundle(tmp_path / "run" / "model.ckpt-7", values(7))
    cut(data_of(prefix), 8192 * 4)
    other = values(5) | {"layer4/kernel": np.zeros((2, 2), np.float32)}
    older = bundle(tmp_path / "run" / "model.ckpt-5", other)
    oldest = bundle(tmp_path / "run" / "model.ckpt-3", values(3))
    cut(data_of(oldest), 8192 * 4 + 1)
    result = repair(prefix, tmp_path / "fixed", donors=[older, oldest])
    assert [part.name for part in result.lost] == ["layer4/kernel"]
    assert [p.name for p in result.parts if p.action is Action.DONOR] == ["step"]


def test_a_killed_save_is_completed_by_the_save_before(tmp_path: Path) -> None:
    run = tmp_path / "run"
    older = bundle(run / "model.ckpt-5", values(5))
    newer = bundle(tmp_path / "elsewhere" / "model.ckpt-7", values(7))
    part = run / "model.ckpt-7_temp" / f"{PART}{DATA}.tempstate7"
    part.parent.mkdir()
    part.write_bytes(data_of(newer).read_bytes()[: 3 * 8192 + 10])
    alone = repair(run / "model.ckpt-7", tmp_path / "alone")
    assert alone.counts == {Action.REBUILT: 3, Action.LOST: 3}
    fixed = repair(run / "model.ckpt-7", tmp_path / "fixed", donors=[older])
    assert fixed.counts == {Action.REBUILT: 3, Action.DONOR: 3}
    store = open_source(tmp_path / "fixed")
    assert sorted(str(tensor.name) for tensor in store) == sorted(values(5))
    for tensor in store:
        source = 7 if tensor.name in ("layer0/kernel", "layer1/kernel", "layer2/kernel") else 5
        assert tensor.checked().health.value == "verified"
        assert np.array_equal(tensor.fetch(), values(source)[str(tensor.name)])


def test_a_lost_index_is_written_anew(tmp_path: Path) -> None:
    run = tmp_path / "run"
    bundle(run / "model.ckpt-5", values(5))
    prefix = bundle(run / "model.ckpt-7", values(7))
    lost = index_of(prefix).read_bytes()
    index_of(prefix).write_bytes(b"")
    result = repair(prefix, tmp_path / "fixed")
    assert (tmp_path / "fixed" / "model.ckpt-7.index").read_bytes() == lost
    assert (result.exit_code, result.counts) == (3, {Action.REBUILT: 6})
    note = (tmp_path / "fixed" / "rescue-note.md").read_text()
    assert "rebuilt from the layout that model.ckpt-5.index tells" in note


def test_exchanged_data_files_find_their_places(tmp_path: Path) -> None:
    prefix = bundle(tmp_path / "run" / "model.ckpt-7", values(7), shards=3)
    whole = {path.name: path.read_bytes() for path in prefix.parent.iterdir()}
    first, second = data_of(prefix, 0, 3), data_of(prefix, 1, 3)
    first.write_bytes(whole[second.name])
    second.write_bytes(whole[first.name])
    result = repair(prefix, tmp_path / "fixed")
    assert result.exit_code == 0
    assert "data files have the names of others" in result.actions[0]
    for name, content in whole.items():
        assert (tmp_path / "fixed" / name).read_bytes() == content


def test_a_data_file_with_a_wrong_count_in_its_name(tmp_path: Path) -> None:
    prefix = bundle(tmp_path / "run" / "model.ckpt-7", values(7))
    whole = data_of(prefix).read_bytes()
    data_of(prefix).rename(data_of(prefix, 0, 2))
    assert repair(prefix, tmp_path / "fixed").exit_code == 0
    assert (tmp_path / "fixed" / data_of(prefix).name).read_bytes() == whole


def test_new_data_under_an_old_index_is_read_and_flagged(tmp_path: Path) -> None:
    prefix = bundle(tmp_path / "run" / "model", values(7))
    newer = bundle(tmp_path / "newer" / "model", values(9))
    shutil.copyfile(data_of(newer), data_of(prefix))
    result = repair(prefix, tmp_path / "fixed")
    assert (result.exit_code, result.counts) == (3, {Action.REBUILT: 6})
    assert "they are of different saves" in result.actions[0]
    assert (tmp_path / "fixed" / "model.index").read_bytes() == index_of(newer).read_bytes()


@pytest.mark.parametrize("content", [bytes, lambda n: np.random.default_rng(0).bytes(n)])
def test_zeros_and_noise_are_no_data_of_another_save(
    content: Callable[[int], bytes], tmp_path: Path
) -> None:
    prefix = bundle(tmp_path / "run" / "model", values(7))
    data_of(prefix).write_bytes(content(data_of(prefix).stat().st_size))
    result = repair(prefix, tmp_path / "fixed")
    assert set(result.counts) == {Action.LOST}


def test_parts_in_several_directories_are_merged(tmp_path: Path) -> None:
    """Each worker wrote its part where it ran."""
    for number in range(3):
        part = bundle(
            tmp_path / f"worker{number}" / "model-7_temp" / f"part-{number:05d}-of-00003",
            {f"layer{number}/kernel": values(7)[f"layer{number}/kernel"]},
        )
        assert index_of(part).is_file()
    result = repair(
        tmp_path / "worker0" / "model-7",
        tmp_path / "fixed",
        look_in=[tmp_path / "worker1", tmp_path / "worker2"],
    )
    assert (result.exit_code, result.counts) == (0, {Action.KEPT: 3})
    assert {Path(part.origin.partition(" at ")[0]).parts[-3] for part in result.parts} == {
        "worker0",
        "worker1",
        "worker2",
    }
    store = open_source(tmp_path / "fixed" / "model-7")
    for number in range(3):
        name = f"layer{number}/kernel"
        assert np.array_equal(store[name].fetch(), values(7)[name])


def test_a_saved_model_keeps_all_its_other_files(tmp_path: Path) -> None:
    model = tmp_path / "model"
    prefix = bundle(model / "variables" / "variables", values(1))
    (model / "saved_model.pb").write_bytes(b"\x08\x01")
    (model / "assets").mkdir()
    (model / "assets" / "words.txt").write_text("a\nb\n")
    whole = data_of(prefix).read_bytes()
    data_of(prefix).write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    result = repair(model, tmp_path / "fixed")
    assert result.exit_code == 0
    expected = {p.relative_to(model) for p in model.rglob("*")} | {Path("rescue-note.md")}
    assert {p.relative_to(tmp_path / "fixed") for p in (tmp_path / "fixed").rglob("*")} == expected
    assert (tmp_path / "fixed" / "variables" / data_of(prefix).name).read_bytes() == whole


def test_output_inside_the_source_or_already_there_is_refused(tmp_path: Path) -> None:
    prefix = bundle(tmp_path / "run" / "model.ckpt-7", values(7))
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="would lie in the source"):
        repair(tmp_path / "run", tmp_path / "run" / "fixed")
    with pytest.raises(WriteError, match="is not a checkpoint directory"):
        repair(prefix, tmp_path / "notes")
    with pytest.raises(SourceError):
        repair(tmp_path / "run" / "nothing", tmp_path / "fixed")


def test_the_command_tells_and_a_dry_run_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prefix = bundle(tmp_path / "run" / "model.ckpt-7", values(7))
    cut(data_of(prefix), 8192)
    arguments = ["repair", str(prefix), "-o", str(tmp_path / "fixed")]
    with pytest.raises(SystemExit, match="3"):
        app([*arguments, "--dry-run"])
    assert not (tmp_path / "fixed").exists()
    assert "1 kept, 5 lost; nothing was written" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="3"):
        app([*arguments, "--json"])
    said = json.loads(capsys.readouterr().out)
    assert (said["schema"], said["counts"]) == ("tfrepair.repair/1", {"kept": 1, "lost": 5})
    assert (tmp_path / "fixed" / "rescue-note.md").is_file()
