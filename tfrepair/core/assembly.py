"""One variable from several stored arrays: gates kept apart, parts of a table, two biases.

Each array is transformed and goes to its region (:class:`~tfrepair.core.operations.Into`); where
regions overlap values are added, what no array reaches is zero. Comes after
:mod:`tfrepair.core.transform`. Pure.
"""

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from tfrepair.core.dtypes import numpy_dtype
from tfrepair.core.operations import Into
from tfrepair.core.tensor import Array, Shape
from tfrepair.core.transform import Transform, TransformError

Part = tuple[Transform, Callable[[], Array]]
"""A transform, and what fetches the array that it is for."""


def assembled(parts: Iterable[Part], want: Shape, dtype: str) -> Array:
    """Put a value together.

    Parameters
    ----------
    parts
        One array after the other is fetched; at most one is held beside the result.
    want, dtype
        Of the variable.

    Raises
    ------
    TransformError
        If a part does not fit its region.
    """
    value = np.zeros(want, numpy_dtype(dtype))
    filled: list[Into | None] = []
    for transform, fetch in parts:
        array = transform.run(fetch())
        fits(transform, array.shape, want)
        index = _index(transform.region, want)
        array = array.astype(value.dtype, copy=False)
        # Only what meets another part is added: a sum with zero would lose the sign of -0.0.
        meets = any(_overlap(transform.region, other, want) for other in filled)
        value[index] = value[index] + array if meets else array
        filled.append(transform.region)
    return value


def fits(transform: Transform, moved: Shape, want: Shape) -> None:
    """Hold the shape of a part against its region.

    Parameters
    ----------
    transform, moved
        The part's transform and the shape that it makes.
    want
        Shape of the variable.

    Raises
    ------
    TransformError
        If it does not fill the region.
    """
    room = region_shape(transform.region, want)
    if moved != room:
        message = (
            f"an array of shape {moved} does not fill {_room(transform.region)} of {want}, "
            f"which is {room}"
        )
        raise TransformError(message)


def region_shape(region: Into | None, want: Shape) -> Shape:
    """Return the shape of a region of a variable.

    Raises
    ------
    TransformError
        If the region lies outside of the variable.
    """
    if region is None:
        return want
    inside = len(region.region) == len(want) and all(
        _inside(one, size) for one, size in zip(region.region, want, strict=True)
    )
    if not inside:
        message = f"{_room(region)} lies outside of a variable of shape {want}"
        raise TransformError(message)
    index = _index(region, want)
    return tuple(
        len(range(*one.indices(size)))
        for one, size in zip(index, want, strict=True)
        if isinstance(one, slice)
    )


def uncovered(transforms: Sequence[Transform], want: Shape) -> int:
    """Return how many elements of a variable no part reaches; bounded by its size in memory."""
    if any(transform.region is None for transform in transforms):
        return 0
    reached = np.zeros(want, np.bool_)
    for transform in transforms:
        reached[_index(transform.region, want)] = True
    return math.prod(want) - int(np.count_nonzero(reached))


def adds_up(transforms: Sequence[Transform], want: Shape) -> bool:
    """Return whether two parts of a variable meet, so that values are added."""
    regions = [transform.region for transform in transforms]
    return any(
        _overlap(one, other, want)
        for place, one in enumerate(regions)
        for other in regions[place + 1 :]
    )


def _room(region: Into | None) -> str:
    return "all" if region is None else str(Transform(operations=(region,)))


def _inside(one: tuple[int | None, int | None] | int, size: int) -> bool:
    if isinstance(one, int):
        return 0 <= one < size
    start, stop = one[0] or 0, size if one[1] is None else one[1]
    return 0 <= start <= stop <= size


def _overlap(one: Into | None, other: Into | None, want: Shape) -> bool:
    return all(
        max(a[0], b[0]) < min(a[1], b[1])
        for a, b in zip(_bounds(one, want), _bounds(other, want), strict=True)
    )


def _bounds(region: Into | None, want: Shape) -> tuple[tuple[int, int], ...]:
    if region is None:
        return tuple((0, size) for size in want)
    return tuple(
        (one, one + 1)
        if isinstance(one, int)
        else (one[0] or 0, size if one[1] is None else one[1])
        for one, size in zip(region.region, want, strict=True)
    )


def _index(region: Into | None, want: Shape) -> tuple[slice | int, ...]:
    if region is None:
        return (slice(None),) * len(want)
    return tuple(one if isinstance(one, int) else slice(*one) for one in region.region)


def value_of(edges: Sequence[Part], want: Shape, dtype: str) -> Array:
    """Return the value that one or several arrays make: as stored where nothing is to be done.

    Parameters
    ----------
    edges
        As for :func:`assembled`.
    want, dtype
        Of the variable.

    Raises
    ------
    TransformError
        If a part does not fit.
    """
    ((transform, fetch), *others) = edges
    if others or transform.region is not None:
        return assembled(edges, want, dtype)
    # A plan written by hand may leave the cast out.
    return transform.run(fetch()).astype(numpy_dtype(dtype), copy=False)
