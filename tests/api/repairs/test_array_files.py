"""Repairs of ``.npy``, ``.npz`` and pickles: NumPy opens what comes out."""

import gzip
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.api.saves import photograph
from tfrepair.api.repairing import repair
from tfrepair.api.repairs.job import Action
from tfrepair.core.errors import SourceError

RNG = np.random.default_rng(2)
ARRAYS = [RNG.normal(size=(n, 3)) for n in (5, 2, 7, 4)]


def cut(path: Path, data: bytes, share: float) -> None:
    path.write_bytes(data[: int(len(data) * share)])


def test_npz(tmp_path: Path) -> None:
    arrays: dict[str, Any] = dict(zip("abcd", ARRAYS, strict=True))
    np.savez(tmp_path / "whole.npz", **arrays)
    cut(tmp_path / "cut.npz", (tmp_path / "whole.npz").read_bytes(), 0.6)
    before = photograph(tmp_path)
    result = repair(tmp_path / "cut.npz", tmp_path / "out" / "fixed.npz")
    assert {k: v for k, v in photograph(tmp_path).items() if "out" not in str(k)} == before
    assert result.exit_code == 3
    with np.load(tmp_path / "out" / "fixed.npz", allow_pickle=False) as found:
        assert set(found) == {"a", "b"}
        np.testing.assert_array_equal(found["b"], ARRAYS[1])
    result = repair(tmp_path / "cut.npz", tmp_path / "full.npz", donors=[tmp_path / "whole.npz"])
    assert result.counts == {Action.KEPT: 2, Action.DONOR: 2}
    with np.load(tmp_path / "full.npz", allow_pickle=False) as found:
        np.testing.assert_array_equal(found["d"], ARRAYS[3])


def test_the_first_rows_of_an_array(tmp_path: Path) -> None:
    np.save(tmp_path / "w.npy", RNG.normal(size=(100, 4)))
    cut(tmp_path / "cut.npy", (tmp_path / "w.npy").read_bytes(), 0.5)
    result = repair(tmp_path / "cut.npy", tmp_path / "fixed.npy")
    assert result.exit_code == 3
    found = np.load(tmp_path / "fixed.npy")
    assert len(found) > 40
    np.testing.assert_array_equal(found, np.load(tmp_path / "w.npy")[: len(found)])


@pytest.mark.parametrize("kind", ["list", "dict"])
def test_lists_and_dicts_in_npy(kind: str, tmp_path: Path) -> None:
    made: np.ndarray[Any, Any] = np.empty(4 if kind == "list" else (), dtype=object)
    if kind == "list":
        made[:] = ARRAYS
    else:
        made[()] = dict(zip("abcd", ARRAYS, strict=True))
    np.save(tmp_path / "w.npy", made, allow_pickle=True)
    cut(tmp_path / "cut.npy", (tmp_path / "w.npy").read_bytes(), 0.75)
    repair(tmp_path / "cut.npy", tmp_path / "fixed.npy")
    found = np.load(tmp_path / "fixed.npy", allow_pickle=True)
    values = list(found) if kind == "list" else list(found.item().values())
    assert 1 < len(values) < 4
    for have, want in zip(values, ARRAYS, strict=False):
        np.testing.assert_array_equal(have, want)
    if kind == "dict":
        assert list(found.item()) == list("abcd")[: len(values)]


@pytest.mark.parametrize("is_gzip", [False, True])
def test_pickles(is_gzip: bool, tmp_path: Path) -> None:
    data = pickle.dumps([ARRAYS[0], ARRAYS[1:]])
    cut(tmp_path / "cut.pkl", gzip.compress(data) if is_gzip else data, 0.8)
    repair(tmp_path / "cut.pkl", tmp_path / "fixed.pkl")
    found = pickle.loads((tmp_path / "fixed.pkl").read_bytes())  # noqa: S301
    np.testing.assert_array_equal(found[0], ARRAYS[0])
    np.testing.assert_array_equal(found[1][0], ARRAYS[1])


def test_nothing_left(tmp_path: Path) -> None:
    data = pickle.dumps(ARRAYS)
    cut(tmp_path / "cut.pkl", data, 0.1)
    with pytest.raises(SourceError, match="0 arrays"):
        repair(tmp_path / "cut.pkl", tmp_path / "fixed.pkl")
    assert not (tmp_path / "fixed.pkl").exists()


def test_a_member_whose_checksum_does_not_fit(tmp_path: Path) -> None:
    arrays: dict[str, Any] = dict(zip("abcd", ARRAYS, strict=True))
    np.savez(tmp_path / "w.npz", **arrays)
    data = bytearray((tmp_path / "w.npz").read_bytes())
    data[data.index(ARRAYS[2].tobytes()) + 5] ^= 4
    (tmp_path / "w.npz").write_bytes(data)
    result = repair(tmp_path / "w.npz", tmp_path / "fixed.npz")
    assert [part.name for part in result.lost] == ["c"]
    with np.load(tmp_path / "fixed.npz", allow_pickle=False) as found:
        assert set(found) == {"a", "b", "d"}
