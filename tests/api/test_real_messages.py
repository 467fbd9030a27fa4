"""The messages that h5py, NumPy, zipfile and pickle print today are those of the catalog."""

# ruff: noqa: S301, S302 - the bytes are the test's own

import io
import marshal
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tfrepair.api.explanation import explain

h5py = pytest.importorskip("h5py")
Provoke = Callable[[Path], object]


def _h5(path: Path) -> bytes:
    with h5py.File(path, "w") as file:
        file["a/b"] = np.arange(20_000.0)
        file.create_dataset("packed", data=np.arange(5_000), compression="gzip", chunks=(5_000,))
    return path.read_bytes()


def _cut_h5(path: Path) -> object:
    path.write_bytes(_h5(path)[:50_000])
    return h5py.File(path)


def _missing_h5(path: Path) -> object:
    return h5py.File(path)


def _other_bytes(path: Path) -> object:
    path.write_bytes(b"<html>not found</html>" * 40)
    return h5py.File(path)


def _killed_h5(path: Path) -> object:
    data = bytearray(_h5(path))
    data[int.from_bytes(data[64:72], "little")] = 0
    path.write_bytes(data)
    return h5py.File(path)


def _damaged_chunk(path: Path) -> object:
    data = bytearray(_h5(path))
    with h5py.File(path) as file:
        chunk = file["packed"].id.get_chunk_info(0)
    data[chunk.byte_offset : chunk.byte_offset + 200] = bytes(200)
    path.write_bytes(data)
    with h5py.File(path) as file:
        return file["packed"][...]


def _missing_object(path: Path) -> object:
    _h5(path)
    with h5py.File(path) as file:
        return file["layer_names"]


def _missing_attribute(path: Path) -> object:
    _h5(path)
    with h5py.File(path) as file:
        return file.attrs["layer_names"]


def _name_exists(path: Path) -> object:
    with h5py.File(path, "w") as file:
        file["x"] = 1
        return file.create_dataset("x", data=2)


def _large_header(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = np.zeros(10_000, "S10")


def _open_twice(path: Path) -> object:
    _h5(path)
    with h5py.File(path):
        return h5py.File(path, "w")


def _object_list(path: Path) -> Path:
    array = np.empty(2, dtype=object)
    array[0], array[1] = np.zeros(3), np.zeros((2, 2))
    with path.open("wb") as file:
        np.save(file, array, allow_pickle=True)
    return path


def _cut_npy(path: Path) -> Path:
    with path.open("wb") as file:
        np.save(file, np.zeros((100, 10)))
    path.write_bytes(path.read_bytes()[:3_000])
    return path


def _cut_object_list(path: Path) -> object:
    path.write_bytes(_object_list(path).read_bytes()[:-20])
    return np.load(path, allow_pickle=True)


def _npz(path: Path) -> bytes:
    with path.open("wb") as file:
        np.savez(file, np.zeros(1_000))
    return path.read_bytes()


def _cut_npz(path: Path) -> object:
    return np.load(io.BytesIO(_npz(path)[:900]))


def _flipped_npz(path: Path) -> object:
    data = bytearray(_npz(path))
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with np.load(path) as archive:
        return archive["arr_0"]


def _no_member(path: Path) -> object:
    _npz(path)
    with zipfile.ZipFile(path) as archive:
        return archive.read("config.json")


def _no_array(path: Path) -> object:
    _npz(path)
    with np.load(path) as archive:
        return archive["kernel"]


def _empty(path: Path) -> object:
    path.touch()
    return np.load(path)


def _pickled(path: Path) -> object:
    path.write_bytes(pickle.dumps([1, 2]))
    return np.load(path)


REAL: tuple[tuple[str, Provoke], ...] = (
    ("TFR-H5-TRUNCATED", _cut_h5),
    ("TFR-H5-SIGNATURE", _other_bytes),
    ("TFR-H5-NO-FILE", _missing_h5),
    ("TFR-H5-OBJECT-HEADER", _killed_h5),
    ("TFR-H5-READ-DATA", _damaged_chunk),
    ("TFR-H5-NO-OBJECT", _missing_object),
    ("TFR-H5-NO-ATTRIBUTE", _missing_attribute),
    ("TFR-H5-OPEN-FOR-WRITE", _open_twice),
    ("TFR-SAVE-NAME-EXISTS", _name_exists),
    ("TFR-SAVE-HEADER", _large_header),
    ("TFR-NPY-OBJECT", lambda path: np.load(_object_list(path))),
    ("TFR-NPY-PICKLED", _pickled),
    ("TFR-NPY-INHOMOGENEOUS", lambda _: np.array([np.zeros(3), np.zeros((2, 2))])),
    ("TFR-NPY-BROADCAST", lambda _: np.array([np.zeros((8, 8)), np.zeros(8)], dtype=object)),
    ("TFR-NPY-SHORT", lambda path: np.load(_cut_npy(path))),
    ("TFR-NPY-SHORT", lambda path: np.load(_cut_npy(path), mmap_mode="r")),
    ("TFR-NPY-PICKLE-CUT", _cut_object_list),
    ("TFR-NPY-EMPTY", _empty),
    ("TFR-NPY-EMPTY", lambda _: pickle.loads(b"")),
    ("TFR-NPY-LFS", lambda _: pickle.loads(b"version https://git-lfs")),
    ("TFR-NPY-LOAD-KEY", lambda _: pickle.loads(b"<html>")),
    ("TFR-NPY-PYTHON2", lambda _: pickle.loads(b"S'\\xe9'\n.")),
    ("TFR-NPY-CLASS", lambda _: pickle.loads(b"c__main__\nNoSuchNet\n.")),
    ("TFR-NPY-MAGIC", lambda _: np.lib.format.read_magic(io.BytesIO(b"PK\x03\x04abcdef"))),
    ("TFR-NPY-RESHAPE", lambda _: np.zeros(6).reshape(4, 4)),
    ("TFR-ZIP-NOT-ZIP", _cut_npz),
    ("TFR-ZIP-CRC", _flipped_npz),
    ("TFR-ZIP-NO-MEMBER", _no_member),
    ("TFR-ZIP-NO-MEMBER", _no_array),
    ("TFR-WEIGHTS-AXES", lambda _: np.zeros((3, 4)).transpose(3, 2, 0, 1)),
    ("TFR-CONFIG-MARSHAL", lambda _: marshal.loads(b"\xff\xff")),
    ("TFR-CONFIG-KERAS1", lambda _: _any([1]).pop(1, 2)),
    ("TFR-H5-DECODE", lambda _: _any("text").decode("utf-8")),
    ("TFR-CKPT-LATEST-NONE", lambda _: _any(None).endswith(".h5")),
)


def _any(value: Any) -> Any:
    """Hide a type from the type checker, which would refuse what is tried here."""
    return value


@pytest.mark.parametrize(("code", "provoke"), REAL, ids=[code for code, _ in REAL])
def test_the_message_of_the_library_is_known(code: str, provoke: Provoke, tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"\S") as caught:
        provoke(tmp_path / "weights.h5")
    found = explain(f"{type(caught.value).__name__}: {caught.value}")
    assert found
    assert found[0].is_exact
    assert found[0].message.code == code
