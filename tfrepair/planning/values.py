"""What a value can prove: that a match is impossible, never that it is right. Pure."""

from collections.abc import Callable

from tfrepair.core.architecture import Role, Variable
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
