"""Whether an element that was corrected may be meant: it must not stand out among the others. Pure.

In a large tensor a checksum alone does not prove a correction: arbitrary damage may look like one
flipped bit. A wrong correction changes a healthy element, most often its exponent.
"""

import numpy as np

from tfrepair.core.tensor import Array

_STANDS_OUT = 4
"""A corrected value so many times larger than all others is not believed."""


def is_plausible(array: Array, place: int) -> bool:
    """Say whether a corrected element is not much larger than the others.

    Parameters
    ----------
    array
        The corrected array, of any type; only floating-point numbers are judged.
    place
        Number of the element in C order.
    """
    if array.dtype.kind not in "fV" or place >= array.size:
        return True
    flat = array.reshape(-1)
    value = float(flat[place])
    largest = max(_largest(flat[:place]), _largest(flat[place + 1 :]))
    return bool(np.isfinite(value)) and abs(value) <= _STANDS_OUT * largest


def _largest(flat: Array, chunk: int = 1 << 20) -> float:
    worst = 0.0
    for start in range(0, flat.size, chunk):
        values = np.abs(flat[start : start + chunk].astype(np.float64))
        worst = max(worst, float(np.max(values, where=np.isfinite(values), initial=0.0)))
    return worst
