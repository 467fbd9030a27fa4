"""What nobody takes: the message says what it looks like and what to try."""

import gzip
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.attacks import hostile
from tfrepair.core.errors import SourceError, Truncated, Unrecognised, UsageError
from tfrepair.readers.registry import READERS, open_source

UNKNOWN = {
    "empty": (b"", "empty file"),
    "keras": (hostile.npz({"metadata.json": b"{}", "config.json": b""}), "without weights"),
    "torch": (hostile.npz({"archive/data.pkl": b"", "archive/version": b"3"}), "PyTorch"),
    "old torch": (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M", "PyTorch"),
    "zip": (hostile.npz({"a.txt": b"x"}), "zip archive without .npy members"),
    "empty zip": (hostile.npz({}), "zip archive without .npy members"),
    "broken zip": (b"PK\x03\x04" + bytes(60), "damaged zip"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git-lfs"),
    "page": (b"\n<!DOCTYPE html><html>", "web page"),
    "gzip": (gzip.compress(b"something"), "gzip"),
    "joblib": (b"ZF0x1" + bytes(20), "joblib"),
    "zlib": (b"x\x9c" + bytes(20), "zlib"),
    "json": (b'  {"class_name": "Sequential"}', "JSON"),
    "checkpoint": (b'model_checkpoint_path: "model.ckpt-1"\n', "checkpoint"),
    "python": (b"import keras\n", "Python"),
    "zeros": (bytes(100), "zeros"),
    "unknown": (b"\x01\x02\x03\x04", "unknown bytes"),
}


@pytest.mark.parametrize("kind", UNKNOWN)
def test_unknown_content(kind: str, tmp_path: Path) -> None:
    data, words = UNKNOWN[kind]
    path = hostile.put(tmp_path / "w.npy", data)
    with pytest.raises(Unrecognised) as caught:
        open_source(path)
    assert words in caught.value.message
    assert str(path) in caught.value.message
    assert all(reader.description in caught.value.message for reader in READERS)
    assert caught.value.remedy


def test_an_empty_file_names_the_usual_cause(tmp_path: Path) -> None:
    path = hostile.put(tmp_path / "w.npy", b"")
    with pytest.raises(Unrecognised) as caught:
        open_source(path)
    assert "NumPy 1.24" in caught.value.remedy
    with pytest.raises(Truncated, match="expected 8 bytes, found 0"):
        open_source(path, reader="npy")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "empty folder"),
        (["a.txt"], "with a.txt"),
        (["saved_model.pb"], "SavedModel"),
        (["model.ckpt.index", "checkpoint"], "TensorFlow checkpoints"),
    ],
)
def test_unknown_folder(names: list[str], words: str, tmp_path: Path) -> None:
    for name in names:
        hostile.put(tmp_path / name, b"x")
    with pytest.raises(Unrecognised, match=words):
        open_source(tmp_path)


def test_missing_path_suggests_neighbors(tmp_path: Path) -> None:
    hostile.put(tmp_path / "weights.npy", b"")
    with pytest.raises(Unrecognised, match=r"no such file") as caught:
        open_source(tmp_path / "weights_.npy")
    assert "weights.npy" in caught.value.remedy
    with pytest.raises(Unrecognised, match=r"no such file"):
        open_source(tmp_path / "nowhere" / "w.npy")


def test_paths_that_are_none() -> None:
    with pytest.raises(SourceError):
        open_source(Path("a\0b"))
    with pytest.raises(SourceError):
        open_source(Path("x" * 5000))
    with pytest.raises(Unrecognised, match="neither"):
        open_source(Path("/dev/null"))


def test_what_is_no_file_is_not_compared_with_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "weights").symlink_to(tmp_path / "gone")
    os.mkfifo(tmp_path / "pipe")
    for name, words in (("weights", "a link to nothing"), ("pipe", "neither a file nor a folder")):
        with pytest.raises(Unrecognised, match=words) as caught:
            open_source(tmp_path / name)
        assert "did you mean" not in caught.value.remedy


def test_a_checkpoint_is_opened_without_the_modules_of_other_formats() -> None:
    prefix = Path(__file__).parents[1] / "golden" / "tf_checkpoint" / "tf2_21" / "module"
    program = (
        "import sys\nfrom pathlib import Path\nfrom tfrepair.readers.registry import open_source\n"
        f"assert len(open_source(Path({str(prefix)!r})))\n"
        "names = ('npy', 'npz', 'keras_h5', 'keras_zip', 'safetensors', 'pickled', 'signatures')\n"
        "found = [name for name in names if f'tfrepair.readers.{name}' in sys.modules]\n"
        "assert not found, found\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_unknown_reader(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'hdf'") as caught:
        open_source(tmp_path, reader="hdf")
    assert all(reader.name in caught.value.remedy for reader in READERS)


@pytest.mark.parametrize("reader", ["npy", "npz", "pickle", "npy_folder"])
@pytest.mark.parametrize("place", ["missing", "folder", "npy", "text"])
def test_the_wrong_reader_says_so(reader: str, place: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    np.save(tmp_path / "npy", np.zeros(1))
    (tmp_path / "npy.npy").rename(tmp_path / "npy")
    hostile.put(tmp_path / "text", b"some text")
    if reader == place:
        return
    with pytest.raises(SourceError) as caught:
        open_source(tmp_path / place, reader=reader)
    assert str(tmp_path / place) in caught.value.message
