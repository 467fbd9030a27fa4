"""Statistics of one array: what ``inspect`` shows and what planning holds against roles."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfrepair.core.tensor import Array

_CHUNK = 1 << 20
"""Elements taken at once: 8 MiB of float64, so that memory does not grow with the array."""
_SMALL, _TOGETHER = 1 << 14, 1 << 17
"""Elements of an array that is taken together with others, and of all of them in sum."""
_WIDE = np.dtype(np.float64)
_SUM, _LEAST, _LARGEST = np.add.reduce, np.minimum.reduce, np.maximum.reduce
"""What the methods of an array call in the end: a checkpoint may have thousands of small ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Minimum, maximum and mean over the finite elements, and the counts of the others.

    ``minimum``, ``maximum`` and ``mean`` are ``None`` when there is no finite element or the
    elements have no order (complex numbers, strings); ``mean`` also when the sum overflows.
    """

    minimum: float | None
    maximum: float | None
    mean: float | None
    nan: int
    inf: int

    def to_json(self) -> dict[str, Any]:
        """Return the statistics as plain JSON data."""
        return {
            "min": self.minimum,
            "max": self.maximum,
            "mean": self.mean,
            "nan": self.nan,
            "inf": self.inf,
        }


NO_STATISTICS = Statistics(minimum=None, maximum=None, mean=None, nan=0, inf=0)


def statistics_of(array: Array) -> Statistics:
    """Compute the statistics of an array in chunks.

    Parameters
    ----------
    array
        Any shape; real numeric or boolean. Other element types give :data:`NO_STATISTICS`.

    Returns
    -------
    The statistics; sums are taken in float64.
    """
    if not _is_real(array):
        return NO_STATISTICS
    low, high, total, count, nan, inf = math.inf, -math.inf, 0.0, 0, 0, 0
    flat = array.ravel(order="K")
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, flat.size, _CHUNK):
            values = flat[start : start + _CHUNK].astype(_WIDE)
            part = float(_SUM(values))
            if not math.isfinite(part):  # else every single value is
                nan += int(np.isnan(values).sum())
                inf += int(np.isinf(values).sum())
                values = values[np.isfinite(values)]
                part = float(_SUM(values))
            if values.size:
                low, high = min(low, float(_LEAST(values))), max(high, float(_LARGEST(values)))
                total += part
                count += int(values.size)
    if count == 0:
        return Statistics(minimum=None, maximum=None, mean=None, nan=nan, inf=inf)
    mean = total / count if math.isfinite(total) else None
    return Statistics(minimum=low, maximum=high, mean=mean, nan=nan, inf=inf)


class Batch:
    """Statistics of many arrays; small ones of one size and type are taken together.

    Gives what :func:`statistics_of` gives for each, in less time: most of that is not the
    numbers' but the calls'. Holds a megabyte of small arrays at most.
    """

    def __init__(self) -> None:
        self._found: list[Statistics] = []
        self._waiting: list[Array] = []

    def add(self, array: Array | None) -> None:
        """Take the next array; ``None`` stands for one that cannot be read."""
        if array is None or array.size > _SMALL or not array.size or not _is_real(array):
            self._flush()
            self._found.append(NO_STATISTICS if array is None else statistics_of(array))
            return
        first = self._waiting[0] if self._waiting else array
        is_full = len(self._waiting) * array.size >= _TOGETHER
        if is_full or (first.size, first.dtype) != (array.size, array.dtype):
            self._flush()
        self._waiting.append(array)

    def finished(self) -> tuple[Statistics, ...]:
        """Return the statistics of all arrays, in the order in which they came."""
        self._flush()
        return tuple(self._found)

    def _flush(self) -> None:
        arrays, self._waiting = self._waiting, []
        if len(arrays) <= 1:
            self._found += [statistics_of(array) for array in arrays]
            return
        size = arrays[0].size
        flat = np.concatenate([array.ravel(order="K") for array in arrays])
        rows = flat.astype(_WIDE).reshape(len(arrays), size)
        with np.errstate(over="ignore", invalid="ignore"):
            sums = _SUM(rows, axis=1).tolist()
        lows, highs = _LEAST(rows, axis=1).tolist(), _LARGEST(rows, axis=1).tolist()
        for array, low, high, total in zip(arrays, lows, highs, sums, strict=True):
            if math.isfinite(total):
                mean = total / size
                self._found.append(Statistics(minimum=low, maximum=high, mean=mean, nan=0, inf=0))
            else:
                self._found.append(statistics_of(array))


def _is_real(array: Array) -> bool:
    # Extended floats of ml_dtypes have kind "V" but cast to float64; a plain void does not.
    return array.dtype.kind in "biuf" or (array.dtype.kind == "V" and array.dtype.name != "void")
