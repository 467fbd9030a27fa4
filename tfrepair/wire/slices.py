"""Parts of a partitioned tensor, joined to the whole.

Knows extents and arrays; where the parts come from is up to the two checkpoint formats. Pure.
"""

from collections.abc import Iterable

import numpy as np

from tfrepair.core.errors import Corrupt, Truncated
from tfrepair.core.tensor import Array, Shape
from tfrepair.wire.bundle import Slice


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
    shape: Shape, dtype: np.dtype[np.generic], parts: Iterable[tuple[Slice, Array]], where: str
) -> Array:
    """Put parts together.

    Parameters
    ----------
    shape, dtype
        Of the whole.
    parts
        Each with its place; taken one at a time.
    where
        Name of the tensor, for messages.

    Raises
    ------
    Corrupt
        If a part does not fit its place, or two of them overlap.
    Truncated
        If they do not cover the whole.
    """
    whole = np.empty(shape, dtype)
    covered = np.zeros(shape, bool)
    for part, array in parts:
        bounds = slice_bounds(shape, part, where)
        if array.shape != whole[bounds].shape:
            message = f"{where}: the part {show_slice(part)} has the shape {array.shape}"
            raise Corrupt(message)
        if covered[bounds].any():
            message = f"{where}: the part {show_slice(part)} overlaps another one"
            raise Corrupt(message)
        whole[bounds] = array
        covered[bounds] = True
    if not covered.all():
        message = f"{where}: the parts hold {int(covered.sum())} of {covered.size} elements"
        raise Truncated(message)
    return whole


def show_slice(part: Slice) -> str:
    """Return a part as text, such as ``[0:3, :]``."""
    shown = [
        ":" if extent.length is None else f"{extent.start}:{extent.start + extent.length}"
        for extent in part
    ]
    return f"[{', '.join(shown)}]"
