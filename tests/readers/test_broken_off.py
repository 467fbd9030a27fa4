"""Array files and pickles that break off: the whole arrays before that, and nothing else."""

import gzip
import pickle
from pathlib import Path

import numpy as np
import pytest

from tests.attacks import hostile
from tests.readers.goldens import FOLDER
from tfrepair.core.digest import array_digest
from tfrepair.core.errors import SourceError
from tfrepair.core.tensor import Health
from tfrepair.readers.registry import open_source

RNG = np.random.default_rng(4)
ARRAYS = [RNG.normal(size=(n, 3)).astype("f4") for n in (5, 1, 7, 2)]
PICKLED = sorted(
    path
    for path in FOLDER.glob("*/*")
    if path.suffix in (".npy", ".pkl", ".gz") and path.stat().st_size > 200
)


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


@pytest.mark.parametrize("path", PICKLED, ids=name_of)
def test_cut_goldens_give_an_exact_prefix(path: Path, tmp_path: Path) -> None:
    data = path.read_bytes()
    whole = {t.name: array_digest(t.fetch()) for t in open_source(path)}
    target = tmp_path / path.name
    counts = []
    for percent in range(5, 100, 6):
        target.write_bytes(data[: len(data) * percent // 100])
        try:
            store = open_source(target)
        except SourceError:
            continue
        found = {t.name: array_digest(t.fetch()) for t in store if t.is_whole}
        assert list(found.values()) == list(whole.values())[: len(found)]
        if not any("#" in name for name in found):
            assert found.items() <= whole.items()
        counts.append(len(found))
        damaged = any(f.code == "pickle-broken-off" for f in store.findings)
        assert damaged or any(not t.is_whole for t in store)
    assert counts == sorted(counts)


@pytest.mark.parametrize("protocol", range(6))
def test_lists_and_dicts_of_every_protocol(protocol: int, tmp_path: Path) -> None:
    for value, names in (
        (ARRAYS, ["0", "1", "2", "3"]),
        ({"a": ARRAYS[0], "b": {"c": ARRAYS[1], "d": ARRAYS[2]}, "e": ARRAYS[3]}, []),
        ([ARRAYS[0], None, "text", [ARRAYS[1], ARRAYS[2]], ARRAYS[3]], ["0", "3/0", "3/1", "4"]),
    ):
        data = pickle.dumps(value, protocol)
        expected = names or ["a", "b/c", "b/d", "e"]
        seen = set()
        for length in range(20, len(data) - 1, 7):
            try:
                store = open_source(hostile.put(tmp_path / "w.pkl", data[:length]))
            except SourceError:
                continue
            assert [t.name for t in store] == expected[: len(store)]
            for tensor, array in zip(store, ARRAYS, strict=False):
                np.testing.assert_array_equal(tensor.fetch(), array)
            assert [f.code for f in store.findings if f.severity.value == "error"]
            seen.add(len(store))
        assert seen >= {1, 2, 3}


def test_a_flipped_bit_ends_a_pickle(tmp_path: Path) -> None:
    data = bytearray(pickle.dumps(ARRAYS, 4))
    place = data.index(ARRAYS[2].tobytes()) + ARRAYS[2].nbytes
    data[place] ^= 0xFF
    store = open_source(hostile.put(tmp_path / "w.pkl", bytes(data)))
    assert 2 <= len(store) < 4
    assert "byte" in store.findings[0].message


def test_cut_gzip(tmp_path: Path) -> None:
    data = gzip.compress(pickle.dumps([RNG.random(500), RNG.random(500)]))
    store = open_source(hostile.put(tmp_path / "w.pkl.gz", data[:-2000]))
    assert len(store) == 1
    assert len(store.findings) == 2


def test_leading_rows_of_a_cut_array(tmp_path: Path) -> None:
    array = RNG.normal(size=(100, 4))
    np.save(tmp_path / "w.npy", array)
    data = (tmp_path / "w.npy").read_bytes()
    (tensor,) = open_source(hostile.put(tmp_path / "cut.npy", data[:-100]))
    assert tensor.health is Health.TRUNCATED
    assert tensor.leading is not None
    np.testing.assert_array_equal(tensor.leading(), array[:96])
