"""One suite for every registered reader: what the contributing guide demands of all of them."""

import contextlib
import gc
import random
import shutil
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.readers.goldens import FOLDER
from tests.wire.goldens import CHECKPOINTS
from tfrepair.core.digest import array_digest
from tfrepair.core.dtypes import numpy_dtype
from tfrepair.core.errors import SourceError
from tfrepair.core.tensor import Limits, TensorStore
from tfrepair.readers.base import Candidate, Reader, look_at
from tfrepair.readers.registry import READERS, open_source

SAFETENSORS = Path(__file__).parents[1] / "golden" / "safetensors" / "small.safetensors"
KERAS = Path(__file__).parents[1] / "golden" / "keras"
NEW, OLD = FOLDER / "py311-numpy2.4", FOLDER / "py27-numpy1.11"
SMALL: dict[str, tuple[Path, ...]] = {
    "npy": (NEW / "fortran.npy", OLD / "ragged.npy", NEW / "nested.npy"),
    "npz": (NEW / "numbered.npz", NEW / "one.npz"),
    "pickle": (OLD / "list0.pkl", NEW / "list5.pkl", OLD / "list.pkl.gz"),
    "npy_folder": (),
    "safetensors": (SAFETENSORS,),
    "keras_h5": (KERAS / "keras1" / "cnn_only.h5", KERAS / "keras3" / "nested.weights.h5"),
    "keras_zip": (KERAS / "keras3" / "rnn.keras",),
    "tensor_bundle": (),
    "saver_v1": (CHECKPOINTS / "tf1_4" / "sharded.v1-00001-of-00002",),
}
"""Small goldens by reader; formats with files of their own have their damage tests beside them."""
FILES = [path for paths in SMALL.values() for path in paths]
_LARGE = 1 << 13
"""Bytes from which a file is cut and flipped at a sample of places."""


def name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


READER_IDS = [reader.name for reader in READERS]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "weights"
    (made / "sub").mkdir(parents=True)
    np.save(made / "w2.npy", np.arange(3.0))
    np.save(made / "w10.npy", np.arange(4.0))
    np.save(made / "sub" / "b.npy", np.arange(2))
    return made


def read_all(store: TensorStore) -> list[str]:
    return [array_digest(tensor.fetch()) for tensor in store]


def descriptors() -> set[str]:
    """Return what this process holds open of the goldens and of the tests' own files."""
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            found.add(str(entry.readlink()))
    endings = (".npy", ".npz", ".pkl", ".gz", ".h5", ".keras")
    return {path for path in found if path.endswith(endings)}


def test_names_are_unique() -> None:
    assert len({reader.name for reader in READERS}) == len(READERS)
    assert all(reader.description for reader in READERS)


@pytest.mark.parametrize("reader", READERS, ids=READER_IDS)
@given(head=st.binary(max_size=64))
@example(head=b"")
@example(head=b"PK\x03\x04" + b"\xff" * 60)
@example(head=b"\x1f\x8b\x08" + b"\xff" * 60)
@example(head=b"\x93NUMPY")
def test_recognizing_never_raises(reader: Reader, head: bytes) -> None:
    nowhere = Path("/nonexistent/tfrepair/file")
    candidate = Candidate(path=nowhere, is_file=True, size=len(head), head=head)
    assert reader.recognizes(candidate) in (True, False)


@pytest.mark.parametrize("reader", READERS, ids=READER_IDS)
@pytest.mark.parametrize("path", ["absent", ".", "/dev/null", "a\0b"])
def test_recognizing_odd_paths(reader: Reader, path: str, tmp_path: Path) -> None:
    candidate = Candidate(path=tmp_path / path)
    assert reader.recognizes(candidate) in (True, False)


@pytest.mark.parametrize("path", FILES, ids=name)
def test_exactly_one_reader_takes_a_golden(path: Path) -> None:
    candidate = look_at(path)
    assert [r.name for r in READERS if r.recognizes(candidate)] == [
        reader for reader, paths in SMALL.items() if path in paths
    ]


@pytest.mark.parametrize("path", FILES, ids=name)
def test_suffix_does_not_matter(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / "weights.bin"
    shutil.copy(path, copy)
    assert open_source(copy).format == open_source(path).format


@pytest.mark.parametrize("path", FILES, ids=name)
def test_fetch_twice_and_stated_metadata(path: Path) -> None:
    store = open_source(path)
    assert len(store) > 0
    assert len(store.by_name) == len(store)
    for tensor in store:
        first, second = tensor.fetch(), tensor.fetch()
        assert array_digest(first) == array_digest(second)
        assert (first.shape, first.dtype.name, first.nbytes) == (
            tensor.shape,
            tensor.dtype,
            tensor.nbytes,
        )
        assert first.dtype.isnative


@pytest.mark.parametrize("path", FILES, ids=name)
def test_no_descriptor_is_left_open(path: Path) -> None:
    read_all(open_source(path))
    gc.collect()
    assert descriptors() == set()


def test_no_descriptor_is_left_open_by_folders_and_large_arrays(folder: Path) -> None:
    np.save(folder / "large.npy", np.zeros(1 << 19))
    store = open_source(folder)
    kept = [tensor.fetch() for tensor in store]
    assert len(kept) == 4
    del kept
    gc.collect()
    assert descriptors() == set()


@pytest.mark.parametrize("path", FILES, ids=name)
def test_input_stays_as_it_is(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / path.name
    shutil.copy(path, copy)
    copy.chmod(0o400)
    before = (copy.read_bytes(), copy.stat().st_mtime_ns)
    read_all(open_source(copy))
    assert (copy.read_bytes(), copy.stat().st_mtime_ns) == before
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("compressed", [False, True])
def test_metadata_without_data(compressed: bool, tmp_path: Path) -> None:
    path = tmp_path / "w.npz"
    save = np.savez_compressed if compressed else np.savez
    save(path, w=np.arange(1 << 20, dtype="float64"))
    np.save(tmp_path / "w.npy", np.arange(1 << 20, dtype="float64"))
    for source in (path, tmp_path / "w.npy", tmp_path):
        tracemalloc.start()
        store = open_source(source)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert store.nbytes == 8 << 20
        assert peak < 1 << 20


def survives(path: Path) -> TensorStore | None:
    """Open and read; a damaged file may only raise what readers raise."""
    try:
        store = open_source(path, limits=Limits(max_tensor_bytes=1 << 24))
    except SourceError as error:
        if str(path) not in error.message:
            pytest.fail(f"the message does not name the file: {error.message}")
        return None
    for tensor in store:
        try:
            array = tensor.fetch()
        except SourceError:
            continue
        assert (array.shape, array.dtype) == (tensor.shape, numpy_dtype(tensor.dtype))
    return store


@pytest.mark.parametrize("path", FILES, ids=name)
def test_truncation_at_every_byte(path: Path, tmp_path: Path) -> None:
    data = path.read_bytes()
    whole = {tensor.name: array_digest(tensor.fetch()) for tensor in open_source(path)}
    target = tmp_path / path.name
    for length in range(0, len(data), 1 if len(data) < _LARGE else 97):
        target.write_bytes(data[:length])
        store = survives(target)
        for tensor in store or ():
            try:
                found = array_digest(tensor.fetch())
            except SourceError:
                continue
            # What lost its name keeps its values.
            assert whole.get(tensor.name, found) == found
            assert found in whole.values()


@pytest.mark.parametrize("path", FILES, ids=name)
def test_bit_flips(path: Path, tmp_path: Path) -> None:
    data = path.read_bytes()
    rng = random.Random(path.name)  # noqa: S311
    target = tmp_path / path.name
    tracemalloc.start()
    started = time.monotonic()
    for _ in range(1000 if len(data) < _LARGE else 100):
        damaged = bytearray(data)
        bit = rng.randrange(8 * len(data))
        damaged[bit // 8] ^= 1 << bit % 8
        target.write_bytes(damaged)
        survives(target)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 << 20
    assert time.monotonic() - started < 60


@pytest.mark.parametrize("path", FILES, ids=name)
def test_random_tails(path: Path, tmp_path: Path) -> None:
    data = path.read_bytes()
    rng = random.Random(path.name)  # noqa: S311
    target = tmp_path / path.name
    for _ in range(100):
        cut = rng.randrange(len(data))
        target.write_bytes(data[:cut] + rng.randbytes(rng.randrange(200)))
        survives(target)
