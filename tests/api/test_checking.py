import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.api.saves import bundle, data_of, index_of, photograph, state, values
from tests.verify.planting import flip_bit
from tests.wire.goldens import CHECKPOINTS, GOLDEN
from tfrepair.api.checking import check
from tfrepair.api.checkup.verdicts import Checkup, SaveCheckup, State
from tfrepair.core.errors import SourceError
from tfrepair.core.tensor import Health
from tfrepair.readers.registry import open_source
from tfrepair.wire.protobuf import bytes_field

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 41000\n"
NODE = bytes_field(1, b"x") + bytes_field(2, b"Placeholder")
PAGE = b"<!DOCTYPE html><html><body>Sign in</body></html>"
BYTES = 64 * 32 * 4
"""Bytes of one kernel of :func:`tests.api.saves.values`."""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Return a run folder with three whole saves, of 1 and 3 shards."""
    folder = tmp_path / "run"
    bundle(folder / "ckpt-1", values(1))
    bundle(folder / "ckpt-2", values(2))
    bundle(folder / "ckpt-10", values(10), shards=3)
    state(folder, "ckpt-10")
    return folder


def named(checkup: Checkup, name: str) -> SaveCheckup:
    (found,) = (save for save in checkup.saves if Path(save.path).name == name)
    return found


def codes(save: SaveCheckup) -> list[str]:
    return [cause.code for cause in save.causes]


def words(checkup: Checkup) -> str:
    found = [cause.message for save in checkup.saves for cause in save.causes]
    return "\n".join([*found, *(finding.message for finding in checkup.findings)])


def test_a_whole_run_is_healthy_and_sorted_by_step(run: Path) -> None:
    checkup = check(run)
    assert [save.step for save in checkup.saves] == [1, 2, 10]
    assert [save.verdict for save in checkup.saves] == ["complete: 6 of 6 tensors verified"] * 3
    assert checkup.newest is not None
    assert checkup.newest.path == str(run / "ckpt-10")
    assert checkup.is_healthy
    assert checkup.exit_code == 0
    assert not words(checkup)


def cut_data(folder: Path) -> None:
    with data_of(folder / "ckpt-2").open("r+b") as file:
        file.truncate(2 * BYTES + BYTES // 2)


def drop_shard(folder: Path) -> None:
    data_of(folder / "ckpt-10", 1, 3).unlink()


def swap_shards(folder: Path) -> None:
    one, two = data_of(folder / "ckpt-10", 0, 3), data_of(folder / "ckpt-10", 1, 3)
    between = folder / "x"
    one.rename(between)
    two.rename(one)
    between.rename(two)


def misname_shard(folder: Path) -> None:
    data_of(folder / "ckpt-2").rename(data_of(folder / "ckpt-2", 0, 2))


def mix_saves(folder: Path) -> None:
    shutil.copy(data_of(folder / "ckpt-1"), data_of(folder / "ckpt-2"))


def mix_shorter(folder: Path) -> None:
    content = data_of(folder / "ckpt-1").read_bytes()
    data_of(folder / "ckpt-2").write_bytes(content[:-40])


def mix_unknown(folder: Path) -> None:
    bundle(folder / "other" / "gone", values(77))
    (folder / "other" / "gone.data-00000-of-00001").replace(data_of(folder / "ckpt-2"))
    shutil.rmtree(folder / "other")


def mix_index(folder: Path) -> None:
    shutil.copy(index_of(folder / "ckpt-1"), index_of(folder / "ckpt-2"))


def flip_data(folder: Path) -> None:
    flip_bit(data_of(folder / "ckpt-2"), 8 * 5000 + 3)


def flip_index(folder: Path) -> None:
    flip_bit(index_of(folder / "ckpt-2"), 8 * 40 + 3)


def zero_region(folder: Path) -> None:
    with data_of(folder / "ckpt-2").open("r+b") as file:
        file.seek(BYTES + 1000)
        file.write(bytes(4096))


def zero_tail(folder: Path) -> None:
    path = data_of(folder / "ckpt-2")
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(3 * BYTES + 100)
        file.truncate(size)


def zero_all(folder: Path) -> None:
    path = data_of(folder / "ckpt-2")
    path.write_bytes(bytes(path.stat().st_size))


def overwrite_bytes(folder: Path) -> None:
    with data_of(folder / "ckpt-2").open("r+b") as file:
        file.seek(BYTES + 1000)
        file.write(b"XYZXYZ")


def power_cut(folder: Path) -> None:
    for path in (index_of(folder / "ckpt-2"), data_of(folder / "ckpt-2")):
        path.write_bytes(b"")
    state(folder, "ckpt-2")


def empty_index(folder: Path) -> None:
    index_of(folder / "ckpt-2").write_bytes(b"")


def lose_index(folder: Path) -> None:
    index_of(folder / "ckpt-2").unlink()


def lose_data(folder: Path) -> None:
    data_of(folder / "ckpt-2").unlink()


def garble_index(folder: Path) -> None:
    path = index_of(folder / "ckpt-2")
    path.write_bytes(b"\xff" * path.stat().st_size)


def pointer_data(folder: Path) -> None:
    data_of(folder / "ckpt-2").write_bytes(LFS)


def pointer_both(folder: Path) -> None:
    pointer_data(folder)
    index_of(folder / "ckpt-2").write_bytes(LFS)


def page_data(folder: Path) -> None:
    data_of(folder / "ckpt-2").write_bytes(PAGE)


def killed_saver(folder: Path) -> None:
    prefix = folder / "ckpt-2"
    index_of(prefix).unlink()
    data = data_of(prefix).read_bytes()[: 3 * BYTES + 17]
    data_of(prefix).unlink()
    (folder / "ckpt-2.data-00000-of-00001.tempstate123456").write_bytes(data)


def killed_checkpoint(folder: Path) -> None:
    parts_of(folder)
    index = folder / "ckpt-2_temp" / "part-00000-of-00001.index"
    index.unlink()
    data = index.with_name("part-00000-of-00001.data-00000-of-00001")
    data.rename(data.with_name(f"{data.name}.tempstate99"))


def parts_of(folder: Path) -> None:
    temp = folder / "ckpt-2_temp"
    temp.mkdir()
    index_of(folder / "ckpt-2").rename(temp / "part-00000-of-00001.index")
    data_of(folder / "ckpt-2").rename(temp / "part-00000-of-00001.data-00000-of-00001")


def window_without_index(folder: Path) -> None:
    parts_of(folder)
    data = folder / "ckpt-2_temp" / "part-00000-of-00001.data-00000-of-00001"
    data.rename(data_of(folder / "ckpt-2"))


def window_with_empty_index(folder: Path) -> None:
    window_without_index(folder)
    index_of(folder / "ckpt-2").write_bytes(b"")


def window_between_shards(folder: Path) -> None:
    """Leave what a kill between the renames of two parts leaves."""
    shutil.rmtree(folder / "ckpt-2_temp", ignore_errors=True)
    for file in (index_of(folder / "ckpt-2"), data_of(folder / "ckpt-2")):
        file.unlink()
    temp = folder / ("ckpt-2_temp_" + 32 * "a")
    tensors = values(2)
    for part in range(2):
        names = sorted(tensors)[part::2]
        bundle(temp / f"part-0000{part}-of-00002", {name: tensors[name] for name in names})
    last = temp / "part-00001-of-00002.data-00000-of-00001"
    last.rename(data_of(folder / "ckpt-2", 1, 2))


def unrenamed_index(folder: Path) -> None:
    index = index_of(folder / "ckpt-2")
    index.rename(folder / "ckpt-2.index.tempstate4711")


def new_data_old_index(folder: Path) -> None:
    old = index_of(folder / "ckpt-2").read_bytes()
    bundle(folder / "ckpt-2", values(3))
    unrenamed_index(folder)
    index_of(folder / "ckpt-2").write_bytes(old)


def new_data_old_index_parts(folder: Path) -> None:
    old = index_of(folder / "ckpt-2").read_bytes()
    bundle(folder / "ckpt-2", values(3))
    window_without_index(folder)
    index_of(folder / "ckpt-2").write_bytes(old)


def killed_beside(folder: Path) -> None:
    (folder / "ckpt-2.data-00000-of-00001.tempstate8").write_bytes(b"abc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    plant: Callable[[Path], None]
    state: State
    whole: int
    total: int
    says: tuple[str, ...]
    code: str
    save: str = "ckpt-2"


CASES = [
    Case(plant=cut_data, state=State.DAMAGED, whole=2, total=6, code="truncated-data",
         says=("truncated data", "disk is full", "layer2/kernel has 32 of 64 rows")),
    Case(plant=drop_shard, state=State.DAMAGED, whole=4, total=6, code="missing-shard",
         says=("missing shard", "ckpt-10.data-00001-of-00003", "2 of 6 tensors"), save="ckpt-10"),
    Case(plant=swap_shards, state=State.FINISHABLE, whole=6, total=6, code="swapped-shards",
         says=("swapped shards", "00001-of-00003 holds what belongs in ckpt-10.data-00000"),
         save="ckpt-10"),
    Case(plant=misname_shard, state=State.FINISHABLE, whole=6, total=6, code="wrong-suffix",
         says=("wrong suffix", "ckpt-2.data-00000-of-00002 holds what belongs in")),
    Case(plant=mix_saves, state=State.UNREADABLE, whole=0, total=6, code="mixed-saves",
         says=("mixed saves", "6 of 6 tensors", "the data is that of ckpt-1")),
    Case(plant=mix_shorter, state=State.UNREADABLE, whole=0, total=6, code="mixed-saves",
         says=("mixed saves", "and it has ", "this file of another")),
    Case(plant=mix_unknown, state=State.UNREADABLE, whole=0, total=6, code="mixed-saves",
         says=("mixed saves", "the index is of one save, this file of another")),
    Case(plant=mix_index, state=State.UNREADABLE, whole=0, total=6, code="mixed-saves",
         says=("mixed saves", "the index is that of ckpt-1")),
    Case(plant=flip_data, state=State.CORRECTED, whole=6, total=6, code="bit-corrected",
         says=("flipped bit in layer0/kernel", "bit 3 of byte 5000")),
    Case(plant=flip_index, state=State.CORRECTED, whole=6, total=6, code="bit-corrected",
         says=("flipped bit in the index",)),
    Case(plant=zero_region, state=State.DAMAGED, whole=5, total=6, code="zeroed-region",
         says=("zeroed region", "4,096 bytes of zeros at byte 9,192", "layer1/kernel")),
    Case(plant=zero_tail, state=State.DAMAGED, whole=3, total=6, code="zeroed-tail",
         says=("zeroed tail", "power cut", "fail for 3 of 6 tensors")),
    Case(plant=zero_all, state=State.UNREADABLE, whole=0, total=6, code="all-zero",
         says=("nothing but zeros", "power cut")),
    Case(plant=overwrite_bytes, state=State.DAMAGED, whole=5, total=6, code="changed-bytes",
         says=("changed bytes", "layer1/kernel")),
    Case(plant=power_cut, state=State.EMPTY, whole=0, total=0, code="power-cut",
         says=("power cut", "all 2 files", "0 bytes", "checkpoint already names it")),
    Case(plant=empty_index, state=State.UNREADABLE, whole=0, total=0, code="empty-index",
         says=("ckpt-2.index has 0 bytes", "killed in its merge", "power cut")),
    Case(plant=lose_index, state=State.UNREADABLE, whole=0, total=0, code="data-without-index",
         says=("data without index", "40,968 bytes")),
    Case(plant=lose_data, state=State.UNREADABLE, whole=0, total=6, code="index-without-data",
         says=("index without data", "ckpt-2.data-00000-of-00001 is not there")),
    Case(plant=garble_index, state=State.UNREADABLE, whole=0, total=0, code="damaged-index",
         says=("unreadable index",)),
    Case(plant=pointer_data, state=State.UNREADABLE, whole=0, total=6, code="git-lfs-pointer",
         says=("git-lfs pointer",)),
    Case(plant=pointer_both, state=State.UNREADABLE, whole=0, total=0, code="git-lfs-pointer",
         says=("ckpt-2.index is a git-lfs", "ckpt-2.data-00000-of-00001 is a git-lfs")),
    Case(plant=page_data, state=State.UNREADABLE, whole=0, total=6, code="web-page",
         says=("a web page",)),
    Case(plant=killed_saver, state=State.UNREADABLE, whole=0, total=0, code="killed-save",
         says=("killed", "disk was full", "24,593 bytes", "ckpt-1 has 40,968",
               "3 of 6 tensors are whole, unverified")),
    Case(plant=killed_checkpoint, state=State.UNREADABLE, whole=0, total=0, code="killed-save",
         says=("killed save", "tempstate99", "6 of 6 tensors are whole, unverified")),
    Case(plant=parts_of, state=State.FINISHABLE, whole=6, total=6, code="merge-window",
         says=("killed save", "before the merge", "ckpt-2_temp")),
    Case(plant=window_without_index, state=State.FINISHABLE, whole=6, total=6,
         code="merge-window", says=("merge window", "before it wrote ckpt-2.index")),
    Case(plant=window_with_empty_index, state=State.FINISHABLE, whole=6, total=6,
         code="merge-window", says=("merge window", "ckpt-2.index (0 bytes)")),
    Case(plant=window_between_shards, state=State.FINISHABLE, whole=6, total=6,
         code="merge-window", says=("merge window", "ckpt-2.data-00001-of-00002 is in place")),
    Case(plant=unrenamed_index, state=State.FINISHABLE, whole=6, total=6,
         code="killed-between-renames", says=("killed save", "ckpt-2.index.tempstate4711")),
    Case(plant=new_data_old_index, state=State.FINISHABLE, whole=6, total=6,
         code="new-data-old-index", says=("new data under the old index", "tempstate4711")),
    Case(plant=new_data_old_index_parts, state=State.FINISHABLE, whole=6, total=6,
         code="new-data-old-index", says=("new data under the old index", "ckpt-2_temp")),
    Case(plant=killed_beside, state=State.COMPLETE, whole=6, total=6, code="killed-save",
         says=("a save of the same name was not finished",)),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.plant.__name__)
def test_every_damage_has_its_verdict_and_its_cause(run: Path, case: Case) -> None:
    case.plant(run)
    photo = photograph(run)
    checkup = check(run)
    save = named(checkup, case.save)
    assert (save.state, save.whole, len(save.tensors)) == (case.state, case.whole, case.total)
    assert codes(save)[0] == case.code
    for phrase in case.says:
        assert phrase in words(checkup)
    assert all(cause.remedy for cause in save.causes)
    others = [other for other in checkup.saves if other is not save]
    assert len(others) == 2
    assert all(other.is_fully_verified for other in others)
    assert checkup.newest in (*others, save)
    assert checkup.exit_code == 3
    assert photograph(run) == photo
    json.dumps(checkup.to_json(), allow_nan=False)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.plant.__name__)
def test_the_prefix_and_every_member_lead_to_the_same_verdict(run: Path, case: Case) -> None:
    case.plant(run)
    whole = named(check(run), case.save)
    members = [
        path for path in run.rglob("*") if path.name.startswith((f"{case.save}.", f"{case.save}_"))
    ]
    for path in (run / case.save, *members):
        (save,) = check(path).saves
        assert (save.state, codes(save)) == (whole.state, codes(whole))


def test_suggested_commands_take_paths_with_spaces(tmp_path: Path) -> None:
    folder = tmp_path / "my runs" / "it's 1"
    folder.mkdir(parents=True)
    bundle(folder / "ckpt-2", values(2))
    commands = []
    for damage in (cut_data, flip_data, garble_index):
        copy = folder.with_name(f"{damage.__name__} x")
        shutil.copytree(folder, copy)
        damage(copy)
        (save,) = check(copy).saves
        remedies = [cause.remedy for cause in save.causes]
        commands += [text[text.index("tfrepair ") :] for text in remedies if "tfrepair " in text]
    paths = [
        shlex.split(command)[2] for command in commands if " -o " in command or "OUT" in command
    ]
    assert len(paths) >= 3
    assert {Path(path).name for path in paths} == {"ckpt-2"}
    assert all(Path(path).parent.is_dir() for path in paths)


def test_a_graph_alone_is_told(tmp_path: Path) -> None:
    (tmp_path / "model.ckpt-7.meta").write_bytes(bytes_field(2, bytes_field(1, NODE)))
    for path in (tmp_path, tmp_path / "model.ckpt-7", tmp_path / "model.ckpt-7.meta"):
        checkup = check(path)
        assert (checkup.saves, checkup.exit_code) == ((), 5)
        assert "model.ckpt-7.index and model.ckpt-7.data-*" in words(checkup)
    with pytest.raises(SourceError, match="only its graph is there"):
        open_source(tmp_path / "model.ckpt-7")
    with pytest.raises(SourceError, match="graph of a TensorFlow checkpoint") as caught:
        open_source(tmp_path / "model.ckpt-7.meta")
    assert "model.ckpt-7.data-*" in caught.value.remedy


def test_the_healthy_rest_is_listed_by_name(run: Path) -> None:
    zero_region(run)
    save = named(check(run), "ckpt-2")
    healths = {tensor.name: tensor.health for tensor in save.tensors}
    assert healths.pop("layer1/kernel") is Health.CORRUPT
    note = {tensor.name: tensor.note for tensor in save.tensors}["layer1/kernel"]
    assert note.startswith("checksum of the 8192 bytes at 8192 is ")
    assert len(healths) == 5
    assert set(healths.values()) == {Health.VERIFIED}


STATES = {
    "missing": ('model_checkpoint_path: "ckpt-3"\n', "state-names-missing", "names ckpt-3"),
    "foreign": (
        'model_checkpoint_path: "/home/x/run/ckpt-10"\n',
        "state-foreign-path",
        "was moved or copied",
    ),
    "windows": (
        'model_checkpoint_path: "C:\\\\runs\\\\ckpt-10"\n',
        "state-windows-path",
        "Windows path",
    ),
    "garbage": ("hello\n", "state-unreadable", "is garbage"),
    "zeros": ("\0" * 90, "state-unreadable", "nothing but zeros"),
    "empty": ("", "state-unreadable", "is empty"),
    "cut": ('model_checkpoint_path: "ckpt-1', "state-unreadable", "was cut off"),
}


@pytest.mark.parametrize("kind", STATES)
def test_a_wrong_state_file_is_explained(run: Path, kind: str) -> None:
    text, code, phrase = STATES[kind]
    (run / "checkpoint").write_text(text)
    for path in (run, run / "checkpoint"):
        checkup = check(path)
        (finding,) = checkup.findings
        assert finding.code == code
        assert phrase in finding.message
        assert "ckpt-10" in finding.remedy
        assert checkup.exit_code == 3
        assert len(checkup.saves) == 3


def test_an_absolute_path_that_is_right_is_only_noted(run: Path) -> None:
    state(run, str(run / "ckpt-10"))
    checkup = check(run)
    assert [finding.code for finding in checkup.findings] == ["state-absolute-path"]
    assert checkup.exit_code == 0


def test_a_renamed_and_an_unfinished_state_file(run: Path) -> None:
    (run / "checkpoint").rename(run / "checkpoint.txt")
    (run / "checkpoint.tmp0a1b").write_text("x")
    found = {finding.code: finding.message for finding in check(run).findings}
    assert "checkpoint.txt is a state file" in found["wrong-suffix"]
    assert "checkpoint.tmp0a1b" in found["killed-before-state"]


def test_a_state_file_that_names_a_damaged_save(run: Path) -> None:
    drop_shard(run)
    (finding,) = check(run).findings
    assert finding.code == "state-names-damaged"
    assert finding.remedy.endswith("ckpt-2")


def test_a_save_without_its_graph_file(run: Path) -> None:
    (run / "ckpt-2.meta.tmp0f").write_bytes(b"graph")
    assert codes(named(check(run), "ckpt-2")) == ["killed-before-meta"]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return Path(shutil.copytree(GOLDEN / "saved_model" / "module", tmp_path / "model"))


@pytest.mark.parametrize(
    ("lose", "code", "total"),
    [
        ("saved_model.pb", "missing-graph", 8),
        ("variables", "missing-variables", 0),
        ("variables/variables.index", "data-without-index", 8),
        ("variables/variables.data-00000-of-00001", "index-without-data", 8),
        ("assets/words.txt", "structure-assets", 8),
    ],
)
def test_an_incomplete_saved_model(model: Path, lose: str, code: str, total: int) -> None:
    path = model / lose
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    (save,) = check(model).saves
    assert save.format == "saved_model"
    assert code in codes(save)
    assert save.state in (State.DAMAGED, State.UNREADABLE)
    assert len(save.tensors) == total


def test_a_saved_model_that_was_killed_before_its_graph(model: Path) -> None:
    (model / "saved_model.pb").rename(model / "saved_model.pb.tmp00ff")
    (save,) = check(model).saves
    assert codes(save) == ["killed-before-graph"]


def test_a_saved_model_that_was_killed_in_its_variables(tmp_path: Path) -> None:
    temp = tmp_path / "model" / "variables" / "variables_temp"
    temp.mkdir(parents=True)
    (temp / "part-00000-of-00001.data-00000-of-00001.tempstate5").write_bytes(b"x" * 99)
    (save,) = check(tmp_path / "model").saves
    assert save.state is State.UNREADABLE
    assert codes(save) == ["killed-save", "missing-graph"]


def test_variables_of_another_model(model: Path) -> None:
    shutil.copytree(
        GOLDEN / "saved_model" / "other" / "variables", model / "variables", dirs_exist_ok=True
    )
    (save,) = check(model).saves
    assert "mixed-saves" in codes(save)
    assert save.state is State.DAMAGED


@pytest.mark.parametrize("member", ["", "saved_model.pb", "variables/variables.index"])
def test_a_sound_saved_model(model: Path, member: str) -> None:
    checkup = check(model / member)
    (save,) = checkup.saves
    assert (save.format, save.verdict) == ("saved_model", "complete: 8 of 8 tensors verified")
    assert checkup.exit_code == 0


def test_saves_of_the_first_format(tmp_path: Path) -> None:
    source = CHECKPOINTS / "tf1_15"
    shutil.copy(source / "training.v1", tmp_path / "model-1")
    shutil.copy(source / "training.v1", tmp_path / "model-2.tempstate77")
    data = (source / "training.v1").read_bytes()
    (tmp_path / "model-2.tempstate77").write_bytes(data[: len(data) // 2])
    shutil.copy(source / "sharded.v1-00000-of-00002", tmp_path / "model-3-00000-of-00002")
    (tmp_path / "model-4").write_bytes(data[:-30])
    (tmp_path / "model-4.meta").write_bytes(b"graph")
    (tmp_path / "model-5").write_bytes(data[:-30])
    checkup = check(tmp_path)
    found = {Path(save.path).name: (save.state, codes(save)) for save in checkup.saves}
    assert found["model-1"] == (State.COMPLETE, [])
    assert found["model-2"][1][0] == "killed-save"
    assert found["model-3"][1][0] == "missing-shard"
    assert found["model-4"][1][0] == "truncated-data"
    assert found["model-5"][1][0] == "truncated-data"
    assert named(checkup, "model-4").whole == named(checkup, "model-5").whole == 23
    assert checkup.newest is not None
    assert checkup.newest.path.endswith("model-1")


def test_a_killed_save_beside_a_whole_one_of_the_first_format(tmp_path: Path) -> None:
    shutil.copy(CHECKPOINTS / "tf1_4" / "training.v1", tmp_path / "model-1")
    (tmp_path / "model-1.tempstate5").write_bytes(b"abc")
    checkup = check(tmp_path)
    (save,) = checkup.saves
    assert (save.state, codes(save)) == (State.COMPLETE, ["killed-save"])
    assert checkup.exit_code == 3


def test_a_flipped_bit_in_the_first_format(tmp_path: Path) -> None:
    shutil.copy(CHECKPOINTS / "tf1_4" / "training.v1", tmp_path / "model-1")
    flip_bit(tmp_path / "model-1", 8 * 700)
    (save,) = check(tmp_path).saves
    assert save.state is State.CORRECTED
    assert set(codes(save)) == {"bit-corrected"}
    assert save.whole == len(save.tensors) == 23


def test_two_formats_under_one_prefix(tmp_path: Path) -> None:
    source = CHECKPOINTS / "tf1_15"
    shutil.copy(source / "training.v1", tmp_path / "model.ckpt")
    for end in (".index", ".data-00000-of-00001"):
        shutil.copy(source / f"training.v2{end}", tmp_path / f"model.ckpt{end}")
    checkup = check(tmp_path)
    assert {save.format for save in checkup.saves} == {"tensor_bundle", "saver_v1"}
    assert checkup.exit_code == 0
    assert "equal content" in words(checkup)
    shutil.copy(CHECKPOINTS / "tf2_21_saver" / "training.v1", tmp_path / "model.ckpt")
    checkup = check(tmp_path / "model.ckpt")
    assert len(checkup.saves) == 2
    assert checkup.exit_code == 3
    assert "two formats under one prefix" in words(checkup)


def test_bare_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "epoch-1.npz", a=np.ones(500), b=np.zeros(3))
    data = (tmp_path / "epoch-1.npz").read_bytes()
    (tmp_path / "epoch-2.npz").write_bytes(data[:-100])
    (tmp_path / "epoch-3.npz").write_bytes(LFS)
    (tmp_path / "epoch-4.npy").write_bytes(b"")
    (tmp_path / "epoch-5.pkl").write_bytes(PAGE)
    (tmp_path / "epoch-6.npz").write_bytes(b"garbage")
    (tmp_path / "notes.txt").write_text("hello")
    found = {Path(save.path).name: save for save in check(tmp_path).saves}
    assert found["epoch-1.npz"].state is State.COMPLETE
    assert found["epoch-2.npz"].state in (State.DAMAGED, State.UNREADABLE)
    assert codes(found["epoch-3.npz"]) == ["git-lfs-pointer"]
    assert found["epoch-4.npy"].state is State.EMPTY
    assert codes(found["epoch-5.pkl"]) == ["web-page"]
    assert found["epoch-6.npz"].state is State.UNREADABLE
    assert [save.step for save in found.values()] == [1, 2, 3, 4, 5, 6]


def test_a_folder_of_arrays_is_one_save(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        np.save(tmp_path / f"{name}.npy", np.ones((40, 10)))
    (save,) = check(tmp_path).saves
    assert (save.format, save.whole) == ("npy_folder", 3)
    with (tmp_path / "b.npy").open("r+b") as file:
        file.truncate(1000)
    checkup = check(tmp_path)
    (save,) = checkup.saves
    assert (save.state, save.whole, len(save.tensors)) == (State.DAMAGED, 2, 3)
    assert checkup.exit_code == 3


def test_nothing_readable_has_its_own_exit_code(tmp_path: Path) -> None:
    assert check(tmp_path).exit_code == 5
    (tmp_path / "model.npy").write_bytes(b"garbage")
    assert check(tmp_path / "model.npy").exit_code == 5
    (tmp_path / "other.index").write_text("an index of some other program")
    assert [Path(save.path).name for save in check(tmp_path).saves] == ["model.npy"]


def test_a_missing_path_is_the_only_error(run: Path) -> None:
    with pytest.raises(SourceError, match="ckpt-3"):
        check(run / "ckpt-3")
    with pytest.raises(SourceError):
        check(run / "no" / "such" / "folder")


def test_findings_of_a_folder_that_cannot_be_listed(run: Path) -> None:
    closed = run / "closed"
    closed.mkdir(mode=0)
    try:
        checkup = check(run)
    finally:
        closed.chmod(0o700)
    assert len(checkup.saves) == 3
    assert [f.code for f in checkup.findings] in (["unlisted"], [])  # root may list anything


def test_pipes_and_links_to_folders_are_left_alone(run: Path) -> None:
    os.mkfifo(run / "pipe")
    os.mkfifo(run / "ckpt-3.index")
    (run / "again").symlink_to(run, target_is_directory=True)
    (run / "gone.npy").symlink_to(run / "nowhere")
    assert len(check(run).saves) == 3


def test_folders_of_other_programs_are_no_interrupted_saves(run: Path) -> None:
    for name in ("rows_temp", "rows.part"):
        (run / name).mkdir()
        (run / name / "part-00000").write_text("rows")
    assert check(run).exit_code == 0
    assert check(run / "rows_temp").saves == ()


def test_saves_below_the_folder_are_found(run: Path) -> None:
    bundle(run / "best" / "ckpt-12", values(12))
    checkup = check(run)
    assert len(checkup.saves) == 4
    assert checkup.newest is not None
    assert checkup.newest.path == str(run / "best" / "ckpt-12")


MEMBERS = (
    *("ckpt-2.index", "ckpt-2.data-00000-of-00001", "checkpoint", "ckpt-2", "a.npy", "a.npz"),
    *("ckpt-2.index.tempstate1", "ckpt-2.data-00000-of-00001.tempstate1", "ckpt-2.meta"),
    *("ckpt-2_temp/part-00000-of-00001.index", "variables/variables.index", "saved_model.pb"),
    *("ckpt-2_temp/part-00000-of-00001.data-00000-of-00001", "ckpt-2-00000-of-00002", "a.pkl"),
)


@settings(max_examples=60, deadline=None)
@given(
    members=st.dictionaries(st.sampled_from(MEMBERS), st.binary(max_size=300), max_size=5),
    cut=st.integers(0, 400),
    seed=st.integers(0, 2**32 - 1),
)
def test_no_bytes_raise(
    tmp_path_factory: pytest.TempPathFactory, members: dict[str, bytes], cut: int, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("any")
    bundle(folder / "ckpt-2", values(2, count=3))
    whole = index_of(folder / "ckpt-2").read_bytes()
    chooser = np.random.default_rng(seed)
    for name, data in members.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        mutated = bytearray(whole[:cut] + data)
        for place in chooser.integers(0, max(1, len(mutated)), 3):
            if mutated:
                mutated[place] = int(chooser.integers(0, 256))
        path.write_bytes(data if cut % 2 else bytes(mutated))
    for path in (folder, *folder.iterdir()):
        try:
            checkup = check(path)
        except SourceError:
            assert path != folder
            continue
        assert checkup.exit_code in (0, 3, 5)
        json.dumps(checkup.to_json(), allow_nan=False)


def test_tensorflow_is_not_imported(run: Path) -> None:
    program = (
        "import sys\n"
        "from tfrepair.api.checking import check\n"
        f"assert check({str(run)!r}).exit_code == 0\n"
        "assert not {'tensorflow', 'keras', 'tf_keras'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
