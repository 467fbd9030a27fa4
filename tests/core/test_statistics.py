import math

import ml_dtypes
import numpy as np
import pytest

from tfrepair.core.statistics import NO_STATISTICS, Batch, Statistics, statistics_of
from tfrepair.core.tensor import Array

NAN, INF = math.nan, math.inf


def found(
    low: float | None, high: float | None, mean: float | None, nan: int, inf: int
) -> Statistics:
    return Statistics(minimum=low, maximum=high, mean=mean, nan=nan, inf=inf)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([1.0, 2.0, 6.0]), found(1, 6, 3, 0, 0)),
        (np.array([1.0, NAN, 3.0], "float32"), found(1, 3, 2, 1, 0)),
        (np.array([INF, -INF, 4.0]), found(4, 4, 4, 0, 2)),
        (np.array([INF, NAN]), found(None, None, None, 1, 1)),
        (np.array([1.7e308, 1.7e308, -1.0]), found(-1, 1.7e308, None, 0, 0)),
        (np.array([], "float32"), found(None, None, None, 0, 0)),
        (np.array([True, False]), found(0, 1, 0.5, 0, 0)),
        (np.array([1, 3], ml_dtypes.bfloat16), found(1, 3, 2, 0, 0)),
        (np.array([1j]), NO_STATISTICS),
        (np.array([b"text"], object), NO_STATISTICS),
    ],
    ids=[
        "finite", "nan", "both infinities", "nothing finite", "overflow", "empty", "bool",
        "bfloat16", "complex", "texts",
    ],
)  # fmt: skip
def test_statistics(array: Array, expected: Statistics) -> None:
    assert statistics_of(array) == expected


def test_chunks_are_added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.array([1.0, NAN, 2.0, INF, 3.0, -4.0])
    whole = statistics_of(values)
    monkeypatch.setattr("tfrepair.core.statistics._CHUNK", 2)
    assert statistics_of(values) == whole == found(-4, 3, 0.5, 1, 1)


def test_a_batch_gives_what_single_arrays_give() -> None:
    chooser = np.random.default_rng(0)
    arrays: list[Array] = [chooser.normal(size=(40, 26)).astype("float32") for _ in range(300)]
    arrays[7][3, 3], arrays[8][0, 0] = NAN, INF
    arrays[9:9] = [chooser.normal(size=(26, 40)), np.zeros(1), np.array(5), np.zeros(0)]
    arrays[20:20] = [chooser.integers(0, 9, (40, 26)), np.array([b"text"], object), np.array([1j])]
    arrays[30:30] = [chooser.normal(size=1040).astype(ml_dtypes.bfloat16)] * 3
    arrays[40:40] = [np.full(1040, 1.7e308)] * 2
    arrays += [chooser.normal(size=1 << 15), np.ones((2, 2), bool), np.zeros((2, 2), bool)]
    arrays.append(chooser.normal(size=(40, 26)).astype("float32").T)
    batch = Batch()
    for array in arrays:
        batch.add(array)
    batch.add(None)
    assert batch.finished() == (*map(statistics_of, arrays), NO_STATISTICS)
