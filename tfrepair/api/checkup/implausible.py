"""Values that damage makes and training hardly ever does, where no checksum tells.

A flipped bit of an exponent makes one element far larger than all others, or not finite. Says so
and nothing more: a run that diverged looks alike.
"""

import numpy as np

from tfrepair.core.tensor import Array, Tensor

_FAR = 1000.0
"""How many times larger than the second largest an element is before it is told."""
_FEWEST = 8
_CHUNK = 1 << 20


def implausible(tensor: Tensor, array: Array) -> str:
    """Return what stands out in a tensor; empty if nothing does.

    Parameters
    ----------
    tensor
        Its purpose counts: slots of optimizers span many magnitudes.
    array
        Its values.
    """
    if array.dtype.kind != "f" or array.size < _FEWEST:
        return ""
    strange, largest, second = 0, 0.0, 0.0
    flat = array.reshape(-1)
    for start in range(0, flat.size, _CHUNK):
        values = np.abs(flat[start : start + _CHUNK].astype(np.float64))
        finite = np.isfinite(values)
        strange += int(values.size - finite.sum())
        two = np.sort(np.partition(values[finite], -2)[-2:]) if finite.sum() > 1 else values[finite]
        for value in (float(item) for item in two):
            largest, second = (value, largest) if value > largest else (largest, max(second, value))
    if strange:
        return f"{strange} of {array.size} elements are not finite"
    if tensor.may_be_weight and second and largest > _FAR * second:
        return f"one of {array.size} elements is {largest:.3g}, the next largest is {second:.3g}"
    return ""
