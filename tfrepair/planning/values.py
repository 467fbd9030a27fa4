"""What a value can prove: that a match is impossible, never that it is right. Pure."""

from collections.abc import Callable

import numpy as np

from tfrepair.core.architecture import Role, Variable
from tfrepair.core.dtypes import numpy_dtype
from tfrepair.core.statistics import Statistics

_NEVER_NEGATIVE = frozenset({Role.MOVING_VARIANCE, Role.VARIANCE, Role.COUNT})


def contradiction(variable: Variable, statistics: Callable[[], Statistics]) -> str:
    """Return why these values cannot be this variable's, or an empty string.

    Parameters
    ----------
    variable
        The target, whose role says what its values may be.
    statistics
        Called only if the role says anything about values; costs I/O.
    """
    if variable.role not in _NEVER_NEGATIVE:
        return ""
    found = statistics()
    if found.minimum is not None and found.minimum < 0:
        return (
            f"a {variable.role.value} is never negative and the smallest value is {found.minimum:g}"
        )
    return ""


def overflow(have: str, want: str, statistics: Callable[[], Statistics]) -> str:
    """Return why a cast would destroy finite values, or an empty string.

    Parameters
    ----------
    have, want
        Dtype names of the stored array and of the variable.
    statistics
        Called only if ``want`` has the smaller range; costs I/O.
    """
    lowest, highest = _range(want)
    have_lowest, have_highest = _range(have)
    if lowest <= have_lowest and have_highest <= highest:
        return ""
    found = statistics()
    if found.minimum is None or found.maximum is None:
        return ""
    if lowest <= found.minimum and found.maximum <= highest:
        return ""
    return (
        f"values from {found.minimum:g} to {found.maximum:g} do not fit {want} "
        f"({lowest:g} to {highest:g})"
    )


def _range(dtype: str) -> tuple[float, float]:
    found = numpy_dtype(dtype)
    if found.kind in "iu":
        integers = np.iinfo(found.name)
        return float(integers.min), float(integers.max)
    if found.kind == "f":
        floats = np.finfo(found.name)
        return float(floats.min), float(floats.max)
    if found.name == "bfloat16":
        # As wide as float32, but for the last bits of the largest number.
        largest = float.fromhex("0x1.fep127")
        return -largest, largest
    return -np.inf, np.inf
