"""How two arrays of one shape differ: how many elements, and by how much at most. Pure.

Two arrays of one type are compared bit by bit, so that NaN equals itself and a zero that changed
its sign is a change; arrays of different types by their values.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tfrepair.core.tensor import Array

_CHUNK = 1 << 20
"""Elements per step: bounds the copies in double precision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What distinguishes two arrays.

    Attributes
    ----------
    elements
        Number of elements of each.
    changed
        Number of those that differ.
    max_abs
        Largest absolute difference of two changed numbers; an exact integer for integers, infinite
        where one is infinite; ``None`` if no two numbers are there to be subtracted.
    nan_on_one_side
        Changed elements that are NaN in one array and a number in the other.
    """

    elements: int
    changed: int = 0
    max_abs: float | int | None = None
    nan_on_one_side: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the difference as plain JSON data; an infinite one as a string."""
        infinite = self.max_abs is not None and np.isinf(self.max_abs)
        return {
            "elements": self.elements,
            "changed": self.changed,
            "max_abs": "inf" if infinite else self.max_abs,
            "nan_on_one_side": self.nan_on_one_side,
        }


def difference_of(one: Array, other: Array) -> Difference:
    """Compare two arrays element by element.

    Parameters
    ----------
    one, other
        Of the same shape; of any type that a reader gives.

    Returns
    -------
    Exact counts. Memory: the arrays, and a chunk of each in double precision.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if one.shape != other.shape:
        message = f"{one.shape} and {other.shape} cannot be compared element by element"
        raise ValueError(message)
    left, right = _native(one).reshape(-1), _native(other).reshape(-1)
    changed, one_sided = 0, 0
    worst: float | int | None = None
    for start in range(0, left.size, _CHUNK):
        a, b = left[start : start + _CHUNK], right[start : start + _CHUNK]
        is_changed = _changed(a, b)
        count = int(np.count_nonzero(is_changed))
        if not count:
            continue
        changed += count
        largest, nans = _distance(a[is_changed], b[is_changed])
        one_sided += nans
        if largest is not None:
            worst = largest if worst is None else max(worst, largest)
    return Difference(elements=left.size, changed=changed, max_abs=worst, nan_on_one_side=one_sided)


def _native(array: Array) -> Array:
    """Return an array in the byte order of the machine."""
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _changed(a: Array, b: Array) -> Array:
    if a.dtype != b.dtype:
        return _unequal(a, b)
    if a.dtype.hasobject:
        return np.fromiter((_differ(x, y) for x, y in zip(a, b, strict=True)), bool, a.size)
    return np.asarray(np.any(_bits(a) != _bits(b), axis=1))


def _unequal(a: Array, b: Array) -> Array:
    if not (_is_number(a) and _is_number(b)):
        return np.fromiter((_differ(x, y) for x, y in zip(a, b, strict=True)), bool, a.size)
    if a.dtype.kind in "biu" and b.dtype.kind in "biu":
        return np.asarray(a != b)
    x, y = _wide(a), _wide(b)
    return np.asarray((x != y) & ~(np.isnan(x) & np.isnan(y)))


def _differ(x: object, y: object) -> bool:
    try:
        return bool(x != y)
    except ValueError:  # arrays as elements have no single answer
        return not np.array_equal(np.asarray(x), np.asarray(y))


def _bits(array: Array) -> Array:
    """Return the bytes of every element as a row of the widest words that fit."""
    size = array.dtype.itemsize
    rows = np.ascontiguousarray(array).view(np.uint8).reshape(array.size, size)
    word = next(width for width in (8, 4, 2, 1) if size % width == 0) if size else 1
    return rows.view(f"u{word}")


def _is_number(array: Array) -> bool:
    """Say whether a type can be widened; the small floats of ml_dtypes are of kind V."""
    return array.dtype.kind in "biufc" or _is_extended(array)


def _is_extended(array: Array) -> bool:
    return array.dtype.kind == "V" and not array.dtype.name.startswith("void")


def _wide(array: Array) -> Array:
    return array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)


def _distance(a: Array, b: Array) -> tuple[float | int | None, int]:
    """Return the largest distance of changed elements, and how many are NaN on one side only."""
    if not (_is_number(a) and _is_number(b)):
        return None, 0
    if a.dtype.kind in "iub" and a.dtype == b.dtype:
        return _integer_distance(a, b), 0
    x, y = _wide(a), _wide(b)
    nans = int(np.count_nonzero(np.isnan(x) != np.isnan(y)))
    with np.errstate(invalid="ignore", over="ignore"):
        distances = np.abs(x - y)
    known = distances[~np.isnan(distances)]
    return (float(known.max()) if known.size else None), nans


def _integer_distance(a: Array, b: Array) -> int:
    """Return the largest distance exactly: that of two 64-bit integers may need all their bits."""
    wide = np.uint64 if a.dtype.kind == "u" else np.int64
    x, y = a.astype(wide), b.astype(wide)
    low, high = np.minimum(x, y).view(np.uint64), np.maximum(x, y).view(np.uint64)
    return int((high - low).max())
