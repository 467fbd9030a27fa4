"""How one array can take another's shape, the cheapest change first.

Each fit has a price: what moves no element costs little, what could have been meant otherwise
costs more. Which is meant is decided by more than shapes. Pure.
"""

from functools import lru_cache

from tfrepair.core.tensor import Shape
from tfrepair.planning.mapping.systems import PLAIN, Axes, System

_ORDERS = {
    2: ((1, 0),),
    3: ((2, 1, 0),),
    4: ((2, 3, 1, 0), (2, 3, 0, 1), (0, 1, 3, 2)),
    5: ((2, 3, 4, 1, 0),),
}
"""Orders of axes that systems keep kernels in, by rank."""


@lru_cache(maxsize=100_000)
def fit(
    have: Shape, want: Shape, *, kernel: bool = True, system: System = PLAIN
) -> tuple[float, str] | None:
    """Return the price and the text of the cheapest change, or ``None`` if there is none.

    Parameters
    ----------
    have, want
        The two shapes.
    kernel
        True if the array may be a kernel or a table, whose axes systems order differently.
    system
        What is known of the source as a whole.
    """
    if _volume(have) != _volume(want) or _volume(have) == 0:
        return None
    if kernel and system.axes is Axes.FIRST and len(have) > 3:
        return _from_channels_first(have, want)
    if kernel and system.dense_turned and len(have) == 2:
        turned = _turned(have, want, system)
        return (0.02, turned) if turned else _squeezed(have, want)
    if have == want:
        return 0.0, "identity"
    squeezed = _squeezed(have, want)
    if squeezed:
        return squeezed
    if kernel:
        turned = _turned(have, want, system)
        if turned:
            return 0.2, turned
    return _regrouped(have, want, kernel=kernel)


def _regrouped(have: Shape, want: Shape, *, kernel: bool) -> tuple[float, str] | None:
    """Merge or split axes, perhaps after an exchange."""
    if _refines(have, want) or _refines(want, have):
        return 0.1, "reshape"
    swapped = _swapped_then_cut(have, want) if kernel and len(have) > 1 else ""
    return (0.3, swapped) if swapped else None


def _squeezed(have: Shape, want: Shape) -> tuple[float, str] | None:
    return (0.05, "reshape") if _without_ones(have) == _without_ones(want) else None


def _from_channels_first(have: Shape, want: Shape) -> tuple[float, str] | None:
    """Bring filters, inputs and windows into the order that Keras has them in."""
    space = tuple(range(2, len(have)))
    for axes in ((*space, 1, 0), (*space, 0, 1)):
        moved = tuple(have[axis] for axis in axes)
        text = "transpose:" + ",".join(map(str, axes))
        if moved == want:
            return 0.02, text
        if len(want) < len(moved) and _without_ones(moved) == _without_ones(want):
            return 0.07, f"{text}|reshape"
    return None


def _volume(shape: Shape) -> int:
    volume = 1
    for size in shape:
        volume *= size
    return volume


def _without_ones(shape: Shape) -> Shape:
    return tuple(size for size in shape if size != 1)


def _turned(have: Shape, want: Shape, system: System) -> str:
    """Find the order of axes in which another system stores a kernel."""
    if len(have) != len(want) or (len(have) > 3 and system.axes is Axes.LAST):
        return ""
    for axes in _ORDERS.get(len(have), ()):
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
