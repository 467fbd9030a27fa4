import shutil
from pathlib import Path

import pytest

from tests.wire.goldens import CHECKPOINTS
from tfrepair.core.errors import SourceError
from tfrepair.readers.registry import open_source
from tfrepair.readers.saves import Kind, choose_save

BUNDLE = CHECKPOINTS / "tf2_21" / "module"
V1, V2 = CHECKPOINTS / "tf1_4" / "training.v1", CHECKPOINTS / "tf1_4" / "training.v2"


def put(target: Path, source: Path = BUNDLE) -> Path:
    for end in (".index", ".data-00000-of-00001"):
        shutil.copy(source.with_name(source.name + end), target.with_name(target.name + end))
    return target


@pytest.fixture
def run(tmp_path: Path) -> Path:
    for step in (2, 10, 9):
        put(tmp_path / f"ckpt-{step}")
    return tmp_path


def state(folder: Path, target: str) -> None:
    (folder / "checkpoint").write_text(f'model_checkpoint_path: "{target}"\n')


def chosen(path: Path) -> str:
    (save,) = choose_save(path).saves
    return save.prefix.name


def codes(path: Path) -> list[tuple[str, str]]:
    return [(f.severity.value, f.message) for f in choose_save(path).findings]


def test_without_a_state_file_the_highest_step_is_read(run: Path) -> None:
    assert chosen(run) == "ckpt-10"
    assert "of 3 saves, 3 complete" in codes(run)[0][1]


def test_a_pattern_means_the_saves_that_it_fits(run: Path) -> None:
    assert (
        chosen(run / "ckpt-9*") == chosen(run / "ckpt-9.*") == chosen(run / "*9.index") == "ckpt-9"
    )
    assert codes(run / "ckpt-[29]*")[0][1].startswith("ckpt-[29]* fits several saves; of 2 saves")
    assert chosen(run / "ckpt-[29]*") == "ckpt-9"
    assert open_source(run / "ckpt-*").files[0] == str(run / "ckpt-10.index")
    assert choose_save(run / "model-*").saves == ()
    assert choose_save(run / "no" / "model-*").saves == ()


def test_an_incomplete_save_is_not_chosen(run: Path) -> None:
    (run / "ckpt-10.data-00000-of-00001").unlink()
    assert chosen(run) == "ckpt-9"


@pytest.mark.parametrize(
    "target",
    ["ckpt-2", "/elsewhere/run/ckpt-2", "C:\\\\runs\\\\ckpt-2", "./ckpt-2"],
    ids=["relative", "foreign", "windows", "dotted"],
)
def test_a_state_file_is_followed_wherever_it_came_from(run: Path, target: str) -> None:
    state(run, target)
    assert chosen(run) == "ckpt-2"
    assert chosen(run / "checkpoint") == "ckpt-2"


@pytest.mark.parametrize("target", ["ckpt-11", "/gone/ckpt-3"])
def test_a_state_file_that_names_nothing_is_survived(run: Path, target: str) -> None:
    state(run, target)
    assert chosen(run) == "ckpt-10"
    ((severity, message),) = codes(run)
    assert severity == "warning"
    assert target in message


@pytest.mark.parametrize("text", ["", "garbage", 'model_checkpoint_path: "ck', "\x00" * 30])
def test_a_state_file_that_is_none_is_ignored(run: Path, text: str) -> None:
    (run / "checkpoint").write_text(text)
    assert chosen(run) == "ckpt-10"


def test_a_state_file_may_name_another_folder(run: Path) -> None:
    other = run / "kept"
    other.mkdir()
    put(other / "best")
    state(run, str(other / "best"))
    assert chosen(run) == "best"


def test_several_saves_without_steps_are_refused(tmp_path: Path) -> None:
    put(tmp_path / "best")
    put(tmp_path / "last")
    with pytest.raises(SourceError, match="2 saves are there: best, last"):
        choose_save(tmp_path)
    with pytest.raises(SourceError, match="best, last"):
        open_source(tmp_path)


def test_one_save_needs_no_state_file(tmp_path: Path) -> None:
    put(tmp_path / "model")
    assert chosen(tmp_path) == "model"
    assert not choose_save(tmp_path).findings


def test_a_name_that_begins_like_another_is_not_taken(tmp_path: Path) -> None:
    put(tmp_path / "model-10")
    assert choose_save(tmp_path / "model-1").saves == ()


def test_folders_without_saves(tmp_path: Path) -> None:
    (tmp_path / "notes.index").write_text("not a table")
    assert choose_save(tmp_path).saves == ()


def both(folder: Path, v2: Path) -> Path:
    shutil.copy(V1, folder / "model.ckpt")
    return put(folder / "model.ckpt", v2)


def test_two_formats_with_one_content_are_no_question(tmp_path: Path) -> None:
    store = open_source(both(tmp_path, V2))
    assert store.format == "tensor_bundle"


def test_two_formats_with_different_content_are_a_question(tmp_path: Path) -> None:
    prefix = both(tmp_path, V2)
    with (tmp_path / "model.ckpt").open("wb") as file:
        file.write((CHECKPOINTS / "tf2_21_saver" / "training.v1").read_bytes())
    for path in (prefix, tmp_path):
        with pytest.raises(SourceError, match="two saves have this prefix") as caught:
            open_source(path)
        assert "global_step 3" in caught.value.message
        assert "saver_v1" in caught.value.remedy
    assert open_source(tmp_path / "model.ckpt.index").format == "tensor_bundle"
    assert open_source(prefix, reader="saver_v1").format == "saver_v1"
    assert choose_save(prefix).of(Kind.V1) is not None
