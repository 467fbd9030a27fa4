"""Every kind of bare source, as a table: what is saved, and the names that come out."""

import gzip
import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from tests.attacks import hostile
from tfrepair.core.errors import SourceError, Truncated, Unsupported
from tfrepair.core.findings import Severity
from tfrepair.core.tensor import Health, TensorStore
from tfrepair.readers.registry import open_source

A, B, C = np.arange(12.0).reshape(3, 4), np.arange(3.0), np.arange(4, dtype="f4")


def objects(*values: Any) -> np.ndarray:
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made


def boxed(value: Any) -> np.ndarray:
    made = np.empty((), dtype=object)
    made[()] = value
    return made


def matrix(rows: list[list[Any]]) -> np.ndarray:
    made = np.empty((len(rows), len(rows[0])), dtype=object)
    for place, row in enumerate(rows):
        for at, item in enumerate(row):
            made[place, at] = item
    return made


def saved(value: np.ndarray, folder: Path) -> TensorStore:
    np.save(folder / "w.npy", value, allow_pickle=True)
    return open_source(folder / "w.npy")


def values(store: TensorStore) -> dict[str, Any]:
    return {tensor.name: tensor.fetch().tolist() for tensor in store}


@pytest.mark.parametrize(
    ("value", "names", "named"),
    [
        (A, {"0": A}, False),
        (np.array(2.5), {"0": np.array(2.5)}, False),
        (objects(A, B, C), {"0": A, "1": B, "2": C}, False),
        (objects(A, B), {"0": A, "1": B}, False),
        (objects(B, A), {"0": B, "1": A}, False),
        (np.array([A, A], dtype=object), {"0": np.array([A, A])}, False),
        (matrix([[A, B], [A, B]]), {"0/0": A, "0/1": B, "1/0": A, "1/1": B}, False),
        (matrix([[1.0, 2.0], [C, C]]), {"0": np.array([1.0, 2.0]), "1/0": C, "1/1": C}, False),
        (objects([A, B], [], [C]), {"0/0": A, "0/1": B, "2/0": C}, False),
        (objects({"w": A}, {"w": B}), {"0/w": A, "1/w": B}, True),
        (boxed([A, B]), {"0": A, "1": B}, False),
        (boxed({"a": {"w": A, "b": B}}), {"a/w": A, "a/b": B}, True),
        (boxed({b"a": A, "b/c": B}), {"a": A, "b/c": B}, True),
        (boxed({"gr\u00f6\u00dfe".encode("latin1"): A}), {"gr\u00f6\u00dfe": A}, True),
        (boxed({("conv", 1): A}), {"conv/1": A}, True),
        (boxed({0: A, 1: B}), {"0": A, "1": B}, False),
        (boxed({"arr_0": A, "arr_1": B}), {"arr_0": A, "arr_1": B}, False),
        (boxed(boxed(A)), {"0": A}, False),
        (boxed({"w": [[1, 2], [3, 4]]}), {"w": np.array([[1, 2], [3, 4]])}, True),
        (boxed({"n": 3, "x": 0.5, "t": True}), {"n": 3, "x": 0.5, "t": True}, True),
        (objects(np.float32(0.5), C), {"0": np.float32(0.5), "1": C}, False),
        (boxed(OrderedDict(b=A, a=B)), {"b": A, "a": B}, True),
        (boxed([]), {}, False),
    ],
)
def test_npy(value: np.ndarray, names: Mapping[str, Any], named: bool, tmp_path: Path) -> None:
    store = saved(value, tmp_path)
    assert list(values(store)) == list(names)
    assert store.names_are_meaningful is named
    for name, wanted in names.items():
        found = store[name].fetch()
        assert np.array_equal(found, wanted)
        assert found.dtype == np.asarray(wanted).dtype


def test_numbers_in_object_arrays_are_said(tmp_path: Path) -> None:
    store = saved(np.array([C, C], dtype=object), tmp_path)
    assert [f.code for f in store.findings] == ["object-numbers"]
    assert (store["0"].shape, store["0"].dtype) == ((2, 4), "float64")


def test_what_is_no_tensor_is_reported(tmp_path: Path) -> None:
    value = {
        "w": A,
        "name": "net",
        "none": None,
        "s": {1, 2},
        "text": np.array(["a"]),
        "big": 1 << 99,
    }
    store = saved(boxed(value), tmp_path)
    assert list(values(store)) == ["w"]
    assert [f.where.rpartition(" ")[2] for f in store.findings] == list(value)[1:]
    assert {f.severity for f in store.findings} == {Severity.NOTE}


def test_many_values_that_are_no_tensors_become_one_finding(tmp_path: Path) -> None:
    store = saved(boxed({str(n): "text" for n in range(100)}), tmp_path)
    assert len(store.findings) == 21
    assert "80 more" in store.findings[-1].message


def test_duplicate_names_are_made_unique(tmp_path: Path) -> None:
    store = saved(boxed({"a/b": A, "a": {"b": B}, b"a/b": C, "a/b#2": A}), tmp_path)
    assert list(values(store)) == ["a/b", "a/b#2", "a/b#3", "a/b#2#2"]
    assert [f.code for f in store.findings] == ["duplicate-name"] * 3


def test_names_are_printable(tmp_path: Path) -> None:
    store = saved(boxed({"a\x1b[2J\n\ud800": A}), tmp_path)
    assert list(values(store)) == ["a\\x1b[2J\\n\\ud800"]


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<i8", ">i8", ">c16", "?", ">u2", "f2"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_byte_order_and_memory_order(dtype: str, order: str, tmp_path: Path) -> None:
    array = np.array(A % 5, dtype=dtype, order=order)  # type: ignore[call-overload]
    tensor = saved(array, tmp_path)["0"]
    assert tensor.dtype == np.dtype(dtype).name
    assert tensor.fetch().dtype.isnative
    assert np.array_equal(tensor.fetch(), array)


@pytest.mark.parametrize("dtype", [">f8", "<f4"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_large_arrays_are_mapped(dtype: str, order: str, tmp_path: Path) -> None:
    array = np.array(np.arange(1 << 19).reshape(1 << 9, -1), dtype=dtype, order=order)  # type: ignore[call-overload]
    found = saved(array, tmp_path)["0"].fetch()
    assert np.array_equal(found, array)
    assert found.flags.writeable is (dtype == ">f8")


def test_bfloat16(tmp_path: Path) -> None:
    store = saved(np.arange(3).astype(ml_dtypes.bfloat16), tmp_path)
    assert store["0"].dtype == "bfloat16"
    assert store["0"].fetch().astype(float).tolist() == [0, 1, 2]


def test_fields_of_structured_arrays(tmp_path: Path) -> None:
    dtype = np.dtype([("w", ">f4", (2, 2)), ("pair", [("n", "i4"), ("text", "S3")])])
    array = np.zeros(5, dtype)
    array["w"] = np.arange(20).reshape(5, 2, 2)
    store = saved(array, tmp_path)
    assert [(t.name, t.shape, t.dtype) for t in store] == [
        ("w", (5, 2, 2), "float32"),
        ("pair/n", (5,), "int32"),
    ]
    assert store["w"].fetch().ravel().tolist() == list(range(20))
    assert store.findings[0].where.endswith("pair/text")


def test_several_arrays_in_one_file(tmp_path: Path) -> None:
    with (tmp_path / "w.npy").open("wb") as file:
        np.save(file, A)
        np.save(file, objects(B, C), allow_pickle=True)
        np.save(file, B)
        file.write(b"rest")
    store = open_source(tmp_path / "w.npy")
    assert list(values(store)) == ["0", "1/0", "1/1", "2"]
    assert "4 bytes after" in store.findings[0].message


@pytest.mark.parametrize("order", ["C", "F"])
def test_truncated_array_is_listed(order: str, tmp_path: Path) -> None:
    np.save(tmp_path / "w.npy", np.asarray(np.zeros((10, 7)), order=order))  # type: ignore[call-overload]
    data = (tmp_path / "w.npy").read_bytes()
    store = open_source(hostile.put(tmp_path / "cut.npy", data[:-200]))
    tensor = store["0"]
    assert tensor.health is Health.TRUNCATED
    assert ("6 of 10 rows" if order == "C" else "4 of 7 slices") in tensor.health_note
    with pytest.raises(Truncated, match=r"cut\.npy, byte 128: expected 560 bytes.*found 360"):
        tensor.fetch()


def test_a_file_that_shrinks_while_it_is_read(tmp_path: Path) -> None:
    np.save(tmp_path / "w.npy", A)
    tensor = open_source(tmp_path / "w.npy")["0"]
    with (tmp_path / "w.npy").open("r+b") as file:
        file.truncate(150)
    with pytest.raises(Truncated, match="became shorter"):
        tensor.fetch()
    (tmp_path / "w.npy").unlink()
    with pytest.raises(SourceError, match="cannot be read"):
        tensor.fetch()


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz(save: Callable[..., None], tmp_path: Path) -> None:
    save(tmp_path / "w.npz", conv=A, bias=B.astype(">f4"), tree=boxed({"x": C, "y": [B]}))
    store = open_source(tmp_path / "w.npz")
    assert list(values(store)) == ["conv", "bias", "tree/x", "tree/y/0"]
    assert store.names_are_meaningful
    assert store.order_is_meaningful
    assert store["conv"].origin.key == "conv.npy"
    save(tmp_path / "n.npz", *[np.full(1, n) for n in range(12)])
    store = open_source(tmp_path / "n.npz")
    assert [tensor.fetch()[0] for tensor in store] == list(range(12))
    assert not store.names_are_meaningful
    assert store.order_is_meaningful


def test_npz_in_the_order_of_an_alphabet(tmp_path: Path) -> None:
    np.savez(tmp_path / "w.npz", arr_0=A, arr_10=B, arr_2=C)
    assert not open_source(tmp_path / "w.npz").order_is_meaningful


def test_npz_with_foreign_members(tmp_path: Path) -> None:
    members = {"a.npy": npy_bytes(B), "readme.txt": b"hello"}
    store = open_source(hostile.put(tmp_path / "w.npz", hostile.npz(members)))
    assert "readme.txt" in store.findings[0].message


def npy_bytes(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def test_npz_cut_in_half(tmp_path: Path) -> None:
    data = hostile.npz({"a.npy": npy_bytes(A), "b.npy": npy_bytes(B)})
    path = hostile.put(tmp_path / "w.npz", data[: len(data) // 2])
    store = open_source(path)
    np.testing.assert_array_equal(store["a"].fetch(), A)
    assert store.findings[0].code == "archive-without-directory"
    path.write_bytes(data[:60])
    with pytest.raises(Truncated, match=r"w\.npz, byte \d+: .* expected .* found"):
        open_source(path)


@pytest.mark.parametrize("compress", [False, True])
def test_every_member_of_an_archive_without_its_directory(compress: bool, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    arrays: dict[str, Any] = {f"w{n}": rng.normal(size=(50, n + 1)) for n in range(6)}
    (np.savez_compressed if compress else np.savez)(tmp_path / "w.npz", **arrays)
    data = (tmp_path / "w.npz").read_bytes()
    with zipfile.ZipFile(tmp_path / "w.npz") as archive:
        begins = [info.header_offset for info in archive.infolist()] + [archive.start_dir]
    for percent in (20, 50, 75, 95, 99):
        length = len(data) * percent // 100
        store = open_source(hostile.put(tmp_path / "cut.npz", data[:length]))
        whole = [tensor for tensor in store if tensor.is_whole]
        assert len(whole) == sum(end <= length for end in begins[1:])
        for tensor in whole:
            np.testing.assert_array_equal(tensor.fetch(), arrays[tensor.name])
        for tensor in store:
            if tensor.leading is not None:
                rows = tensor.leading()
                np.testing.assert_array_equal(rows, arrays[tensor.name][: len(rows)])


def test_a_member_that_was_still_being_written(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    path = tmp_path / "w.npz"
    np.savez(path, a=rng.normal(size=100), b=rng.normal(size=100))
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x03\x04")
    data[at + 14 : at + 18] = bytes(4)
    data[at + 30 + 5 + 4 : at + 30 + 5 + 20] = bytes(16)  # sizes, in the field for large files
    path.write_bytes(data[: at + 400])
    store = open_source(path)
    assert [tensor.is_whole for tensor in store] == [True, False]
    assert "b.npy" in store.findings[0].message
    assert "345 bytes of it are there" in store.findings[0].message


def test_folder(tmp_path: Path) -> None:
    folder = tmp_path / "weights"
    (folder / "sub").mkdir(parents=True)
    for name in ("w10", "w2", "b", "sub/k"):
        np.save(folder / f"{name}.npy", B)
    np.save(folder / "list.npy", objects(A, B), allow_pickle=True)
    (folder / "notes.txt").write_text("x")
    hostile.put(folder / "broken.npy", b"")
    store = open_source(folder)
    assert list(values(store)) == ["b", "list/0", "list/1", "sub/k", "w2", "w10"]
    assert store.names_are_meaningful
    assert not store.order_is_meaningful
    assert {f.code for f in store.findings} == {"not-a-tensor", "unreadable-file"}
    assert len(store.files) == 6


def test_folder_of_numbers(tmp_path: Path) -> None:
    for number in (0, 1, 2, 10):
        np.save(tmp_path / f"{number}.npy", np.full(1, number))
    store = open_source(tmp_path)
    assert [tensor.fetch()[0] for tensor in store] == [0, 1, 2, 10]
    assert not store.names_are_meaningful
    assert store.order_is_meaningful


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("compress", [False, True])
def test_pickles(protocol: int, compress: bool, tmp_path: Path) -> None:
    value = {"weights": [A, B], "epoch": 3, "name": "net"}
    data = pickle.dumps(value, protocol)
    path = hostile.put(tmp_path / "w", gzip.compress(data) if compress else data)
    store = open_source(path)
    assert store.format == "pickle"
    assert list(values(store)) == ["weights/0", "weights/1", "epoch"]
    assert store.order_is_meaningful is (protocol >= 3)
    assert [f.code for f in store.findings] == ["not-a-tensor"]


def test_more_than_one_pickle_is_said(tmp_path: Path) -> None:
    path = hostile.put(tmp_path / "w", pickle.dumps([A]) + pickle.dumps([B]))
    assert [f.code for f in open_source(path).findings] == ["bytes-after-pickle"]


def test_gzip_damage(tmp_path: Path) -> None:
    data = gzip.compress(pickle.dumps([np.random.default_rng(1).random(500)]))
    with pytest.raises(Truncated, match="gzip"):
        open_source(hostile.put(tmp_path / "cut", data[:-100]))
    with pytest.raises(SourceError, match="gzip"):
        open_source(hostile.put(tmp_path / "bad", data[:-6] + bytes(6)))


def test_gzipped_npy_is_said(tmp_path: Path) -> None:
    path = hostile.put(tmp_path / "w.npy.gz", gzip.compress(npy_bytes(A)))
    with pytest.raises(Unsupported, match="compressed with gzip"):
        open_source(path, reader="pickle")
    with pytest.raises(SourceError, match="gzip"):
        open_source(path)


def test_a_pickle_cut_in_half(tmp_path: Path) -> None:
    data = pickle.dumps([A, B, C], 2)
    with pytest.raises(Truncated) as caught:
        open_source(hostile.put(tmp_path / "w.pkl", data[: len(data) // 2]))
    for word in ("w.pkl, byte", "expected", "found", "whole"):
        assert word in caught.value.message
    assert caught.value.remedy


def test_depth_is_a_limit(tmp_path: Path) -> None:
    value: Any = A
    for _ in range(64):
        value = [value]
    assert len(saved(boxed(value), tmp_path)) == 1
    with pytest.raises(SourceError, match="64 deep"):
        saved(boxed([value]), tmp_path)
