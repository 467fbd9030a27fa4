"""How one array can take another's shape, the cheapest change first.

Each fit has a price: what moves no element costs little, what could have been meant otherwise
costs more. Which is meant is decided by more than shapes. Pure.
"""

from functools import lru_cache

from tfrepair.core.tensor import Shape

SQUARE = 0.4
"""Price of a change that the shapes do not ask for."""


@lru_cache(maxsize=100_000)
def fit(have: Shape, want: Shape, *, kernel: bool = True) -> tuple[float, str] | None:
    """Return the price and the text of the cheapest change, or ``None`` if there is none.

    Parameters
    ----------
    have, want
        The two shapes.
    kernel
        True if the array may be a kernel or a table, whose axes systems order differently.
    """
    if have == want:
        return 0.0, "identity"
    if _volume(have) != _volume(want) or _volume(have) == 0:
        return None
    if _without_ones(have) == _without_ones(want):
        return 0.05, "reshape"
    if kernel:
        turned = _turned(have, want)
        if turned:
            return 0.2, turned
    if _refines(have, want) or _refines(want, have):
        return 0.1, "reshape"
    if kernel and len(have) >= 2:
        swapped = _swapped_then_cut(have, want)
        if swapped:
            return 0.3, swapped
    return None


def _volume(shape: Shape) -> int:
    volume = 1
    for size in shape:
        volume *= size
    return volume


def _without_ones(shape: Shape) -> Shape:
    return tuple(size for size in shape if size != 1)


def _turned(have: Shape, want: Shape) -> str:
    """Find the order of axes in which another system stores a kernel."""
    if len(have) != len(want):
        return ""
    orders = {
        2: ((1, 0),),
        3: ((2, 1, 0), (0, 2, 1)),
        4: ((2, 3, 1, 0), (1, 0, 2, 3), (0, 1, 3, 2), (2, 3, 0, 1)),
        5: ((2, 3, 4, 1, 0),),
    }.get(len(have), ())
    for axes in orders:
        if tuple(have[axis] for axis in axes) == want:
            return "transpose:" + ",".join(map(str, axes))
    return ""


def _refines(coarse: Shape, fine: Shape) -> bool:
    """Tell whether ``fine`` splits axes of ``coarse`` and does nothing else."""
    rest = list(_without_ones(fine))
    for size in _without_ones(coarse):
        product = 1
        while rest and product < size:
            product *= rest.pop(0)
        if product != size:
            return False
    return not rest


def _swapped_then_cut(have: Shape, want: Shape) -> str:
    """Find a transposed matrix that is cut into heads: ``(out, in)`` to ``(in, heads, size)``."""
    core = _without_ones(have)
    if len(core) != 2 or len(have) != 2:
        return ""
    turned = (have[1], have[0])
    if _refines(turned, want) and len(want) > 2:
        return "transpose:1,0|reshape"
    return ""
