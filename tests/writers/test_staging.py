"""Output appears whole or not at all: links, races, full disks, kills at any moment."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from tfrepair.core.errors import WriteError
from tfrepair.writers import exchange, staging
from tfrepair.writers.staging import publish, require_free, staged


def saved_model(directory: Path, text: str = "new", files: int = 3) -> Path:
    (directory / "variables").mkdir(parents=True)
    (directory / "saved_model.pb").write_text(text)
    for place in range(files):
        (directory / "variables" / str(place)).write_text(text)
    return directory


def texts(directory: Path) -> set[str]:
    return {path.read_text() for path in directory.rglob("*") if path.is_file()}


def put(out: Path, text: str, *, overwrite: bool = False) -> None:
    with staged(out) as stage:
        publish(saved_model(stage / "model", text), out, overwrite=overwrite)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "models" / "out"


def test_publish_puts_all_in_place_and_leaves_no_stage(out: Path) -> None:
    put(out, "new")
    assert texts(out) == {"new"}
    assert list(out.parent.iterdir()) == [out]


def test_a_failure_leaves_nothing(out: Path) -> None:
    with pytest.raises(ZeroDivisionError), staged(out) as stage:
        saved_model(stage / "model", files=1 // 0)
    assert list(out.parent.iterdir()) == []


def test_overwrite_replaces(out: Path) -> None:
    put(out, "old")
    put(out, "new", overwrite=True)
    assert texts(out) == {"new"}
    assert list(out.parent.iterdir()) == [out]


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_file_system_without_exchange_replaces_too(
    out: Path, monkeypatch: pytest.MonkeyPatch, can_exchange: bool
) -> None:
    if not can_exchange:
        monkeypatch.setattr(exchange, "_exchanged", lambda _one, _other: False)
    put(out, "old")
    put(out, "new", overwrite=True)
    assert texts(out) == {"new"}
    assert list(out.parent.iterdir()) == [out]


def test_without_exchange_a_failed_move_puts_the_old_output_back(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "_exchanged", lambda _one, _other: False)
    put(out, "old")
    plain = Path.rename

    def rename(self: Path, target: Path) -> Path:
        if self.name == "model":
            raise OSError(errno.ENOTEMPTY if target == out and out.exists() else errno.EIO, "no")
        return plain(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(WriteError, match="cannot be put in place"):
        put(out, "new", overwrite=True)
    assert texts(out) == {"old"}
    assert list(out.parent.iterdir()) == [out]


def test_an_empty_directory_is_taken(out: Path) -> None:
    out.mkdir(parents=True)
    put(out, "new")
    assert texts(out) == {"new"}


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("kind", ["folder", "file", "link", "link to nothing", "link to empty"])
def test_what_is_not_ours_is_never_removed(out: Path, kind: str, overwrite: bool) -> None:
    out.parent.mkdir()
    other = out.parent / "other"
    if kind == "folder":
        out.mkdir()
        (out / "thesis.tex").write_text("text")
    elif kind == "file":
        out.write_text("text")
    else:
        out.symlink_to(other)
        if kind == "link":
            saved_model(other, "text")
        elif kind == "link to empty":
            other.mkdir()
    before = sorted(out.parent.rglob("*"))
    with pytest.raises(WriteError, match=r"link to|not a SavedModel|not a directory"):
        require_free(out, overwrite=overwrite)
    with pytest.raises(WriteError):
        put(out, "new", overwrite=overwrite)
    assert sorted(out.parent.rglob("*")) == before
    assert texts(out.parent) <= {"text"}


def test_a_saved_model_needs_overwrite(out: Path) -> None:
    put(out, "old")
    with pytest.raises(WriteError, match="exists") as caught:
        require_free(out, overwrite=False)
    assert "--overwrite" in caught.value.remedy
    require_free(out, overwrite=True)


def test_an_output_that_appeared_meanwhile_stays(out: Path) -> None:
    with staged(out) as stage:
        model = saved_model(stage / "model", "late")
        saved_model(out, "first")
        with pytest.raises(WriteError, match="exists"):
            publish(model, out)
    assert texts(out) == {"first"}


def test_the_rename_itself_refuses_an_output_that_appeared_last(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "_sync_tree", lambda _finished: saved_model(out, "first"))
    with pytest.raises(WriteError, match="another process wrote it"):
        put(out, "late")
    assert texts(out) == {"first"}


@pytest.mark.parametrize("name", ["a[1]*?", "-rf", "mit Umlaut ä", ".hidden"])
def test_names_have_no_meaning(tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    abandoned = tmp_path / f".{name}.tfrepair-abandoned"
    abandoned.mkdir()
    put(out, "old")
    put(out, "new", overwrite=True)
    assert list(tmp_path.iterdir()) == [out]


def test_missing_parents_are_made(tmp_path: Path) -> None:
    put(tmp_path / "a" / "b" / "c", "new")
    assert texts(tmp_path / "a" / "b" / "c") == {"new"}


def test_a_parent_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("text")
    with pytest.raises(WriteError, match="cannot write there"):
        put(tmp_path / "a" / "out", "new")
    assert (tmp_path / "a").read_text() == "text"


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_parent_that_is_read_only_is_an_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(WriteError, match="cannot write there"):
        put(tmp_path / "out", "new")


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
def test_a_disk_error_while_writing_is_a_write_error(out: Path, code: int) -> None:
    with pytest.raises(WriteError, match=os.strerror(code)), staged(out) as stage:
        raise OSError(code, os.strerror(code), str(stage / "values" / "0.bin"))
    assert list(out.parent.iterdir()) == []


def test_a_full_disk_needs_no_file_name(out: Path) -> None:
    with pytest.raises(WriteError, match="No space left"), staged(out):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_an_error_about_another_file_is_not_ours(out: Path) -> None:
    with pytest.raises(FileNotFoundError), staged(out):
        raise FileNotFoundError(errno.ENOENT, "no", "/elsewhere/weights.npy")


def test_a_disk_error_while_publishing_is_a_write_error(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(out, "old")

    def full(_path: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(staging, "_sync", full)
    with pytest.raises(WriteError, match="cannot be put in place"):
        put(out, "new", overwrite=True)
    assert texts(out) == {"old"}


def test_a_stage_of_a_living_process_stays(out: Path) -> None:
    with staged(out) as alive:
        put(out, "new")
        assert alive.is_dir()
    assert list(out.parent.iterdir()) == [out]


def test_a_stage_of_another_output_stays(tmp_path: Path) -> None:
    other = tmp_path / ".other.tfrepair-x"
    other.mkdir()
    put(tmp_path / "out", "new")
    assert other.is_dir()


def test_an_old_output_that_waits_in_a_stage_comes_back(out: Path) -> None:
    stage = out.parent / f".{out.name}.tfrepair-killed"
    saved_model(stage / "retired", "old")
    with pytest.raises(WriteError, match="exists"):
        put(out, "new")
    assert texts(out) == {"old"}
    assert list(out.parent.iterdir()) == [out]


def test_concurrent_runs_leave_one_whole_output(out: Path) -> None:
    failures: list[BaseException] = []

    def run(text: str) -> None:
        try:
            for _ in range(20):
                put(out, text, overwrite=True)
        except BaseException as error:  # noqa: BLE001 - reported below
            failures.append(error)

    threads = [threading.Thread(target=run, args=(f"run {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(texts(out)) == 1
    assert list(out.parent.iterdir()) == [out]


def test_of_concurrent_first_runs_one_wins(out: Path) -> None:
    won: list[str] = []

    def run(text: str) -> None:
        try:
            put(out, text)
        except WriteError:
            return
        won.append(text)

    threads = [threading.Thread(target=run, args=(f"run {n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert texts(out) == set(won)


_LOOP = """
import itertools, os, sys
from pathlib import Path
from tfrepair.writers import exchange
from tfrepair.writers.staging import publish, staged
out, can_exchange = Path(sys.argv[1]), sys.argv[2] == "exchange"
if not can_exchange:
    exchange._exchanged = lambda one, other: False
print("ready", flush=True)
for turn in itertools.count():
    text = f"{os.getpid()} {turn}"
    with staged(out) as stage:
        model = stage / "model"
        (model / "variables").mkdir(parents=True)
        (model / "saved_model.pb").write_text(text)
        for place in range(3):
            (model / "variables" / str(place)).write_text(text)
        publish(model, out, overwrite=True)
"""


@pytest.mark.parametrize("way", ["exchange", "renames"])
def test_kills_at_random_moments_leave_no_half_visible_output(out: Path, way: str) -> None:
    moments = np.random.default_rng(5).uniform(0, 0.02, 60)
    put(out, "first")
    absent = 0
    for moment in moments:
        with subprocess.Popen(
            [sys.executable, "-c", _LOOP, str(out), way], stdout=subprocess.PIPE
        ) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(moment)
            child.send_signal(signal.SIGKILL)
        if out.exists():
            assert sorted(path.name for path in out.rglob("*") if path.is_file()) == [
                "0", "1", "2", "saved_model.pb",
            ]  # fmt: skip
            assert len(texts(out)) == 1
        else:
            absent += 1
    assert way == "renames" or absent == 0
    with staged(out):
        assert out.exists()
    assert list(out.parent.iterdir()) == [out]
