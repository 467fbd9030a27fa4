import math

import ml_dtypes
import numpy as np
import pytest

from tfrepair.core.statistics import NO_STATISTICS, Statistics, statistics_of
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
