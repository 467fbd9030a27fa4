"""Parts of a partitioned tensor, joined to the whole.

Knows extents and arrays; where the parts come from is up to the two checkpoint formats. Pure.
"""

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from tfrepair.core.errors import Corrupt, Truncated
from tfrepair.core.tensor import Array, Shape
from tfrepair.wire.bundle import Slice

_MAX_AXES = 64
"""What NumPy can index."""


def slice_bounds(shape: Shape, part: Slice, where: str) -> tuple[slice, ...]:
    """Return the place of a part in the whole, as an index.

    Raises
    ------
    Corrupt
        If the part has another rank or lies outside.
    """
    bounds = []
    for size, extent in zip(shape, part, strict=False):
        length = size if extent.length is None else extent.length
        bounds.append(slice(extent.start, extent.start + length))
    is_inside = all(
        0 <= bound.start <= bound.stop <= size for bound, size in zip(bounds, shape, strict=False)
    )
    if len(part) != len(shape) or not is_inside:
        message = f"{where}: the part {show_slice(part)} does not lie in the shape {shape}"
        raise Corrupt(message)
    return tuple(bounds)


def slice_shape(shape: Shape, part: Slice, where: str) -> Shape:
    """Return the shape of a part; raises as :func:`slice_bounds` does."""
    return tuple(bound.stop - bound.start for bound in slice_bounds(shape, part, where))


def is_whole(shape: Shape, part: Slice) -> bool:
    """Say whether a part is the tensor itself."""
    return len(part) == len(shape) and all(
        extent.start == 0 and extent.length in (None, size)
        for extent, size in zip(part, shape, strict=True)
    )


def join_slices(
    shape: Shape, dtype: np.dtype[np.generic], parts: Sequence[tuple[Slice, Array]], where: str
) -> Array:
    """Put parts together.

    Parameters
    ----------
    shape, dtype
        Of the whole.
    parts
        Each with its place. Memory for the whole is taken only if they hold as many elements.
    where
        Name of the tensor, for messages.

    Raises
    ------
    Corrupt
        If a part does not fit its place, or two of them overlap.
    Truncated
        If they do not cover the whole.
    """
    places = [_place(shape, part, array, where) for part, array in parts]
    held, wanted = sum(array.size for _, array in parts), math.prod(shape)
    if held < wanted:
        message = f"{where}: the parts hold {held} of {wanted} elements"
        raise Truncated(message)
    if held > wanted or len(shape) > _MAX_AXES:
        message = f"{where}: the parts hold {held} elements, the shape {shape} has {wanted}"
        raise Corrupt(message)
    whole = np.empty(shape, dtype)
    covered = np.zeros(shape, bool)
    for (part, array), bounds in zip(parts, places, strict=True):
        if covered[bounds].any():
            message = f"{where}: the part {show_slice(part)} overlaps another one"
            raise Corrupt(message)
        whole[bounds] = array
        covered[bounds] = True
    return whole


def leading_rows(
    shape: Shape, parts: Iterable[tuple[Slice, Callable[[], Array | None]]], where: str
) -> Array:
    """Join the parts at the beginning of a tensor that is divided along its first axis.

    Parameters
    ----------
    shape
        Of the whole.
    parts
        Each with its place and how to read it: the rows of it that are there, or ``None``. What
        comes behind a part that is not whole is not read.
    where
        Name of the tensor, for messages.

    Raises
    ------
    Truncated
        If the first row is not there, or the tensor is divided in another way.
    """
    found: list[Array] = []
    rows = 0
    for part, read in sorted(parts, key=lambda item: item[0][0].start if item[0] else 0):
        bounds = slice_bounds(shape, part, where)
        is_across = all(b == slice(0, size) for b, size in zip(bounds[1:], shape[1:], strict=True))
        array = read() if bounds and is_across and bounds[0].start == rows else None
        if array is not None:
            found.append(array)
            rows += len(array)
        if array is None or rows != bounds[0].stop:
            break
    if not rows:
        message = f"{where}: its first row is not there, or it is not divided by rows"
        raise Truncated(message)
    return np.concatenate(found)


def _place(shape: Shape, part: Slice, array: Array, where: str) -> tuple[slice, ...]:
    if array.shape != slice_shape(shape, part, where):
        message = f"{where}: the part {show_slice(part)} has the shape {array.shape}"
        raise Corrupt(message)
    return slice_bounds(shape, part, where)


def show_slice(part: Slice) -> str:
    """Return a part as text, such as ``[0:3, :]``."""
    shown = [
        ":" if extent.length is None else f"{extent.start}:{extent.start + extent.length}"
        for extent in part
    ]
    return f"[{', '.join(shown)}]"
