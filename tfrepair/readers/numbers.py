"""Python numbers in lists and object arrays, read as the numeric arrays that they spell.

Knows when a list of lists is a rectangle of numbers (the result of ``array.tolist()``), and what
an object array of plain numbers holds. Lists that a pickle shares many times are seen once.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfrepair.core.errors import OverLimit
from tfrepair.core.tensor import Array, Limits, Shape

_MAX_NUMBERS = 1 << 24
"""Numbers of one nested list: 128 MiB of float64."""
_PLAIN = frozenset((int, float, bool))


class NumberLists:
    """Finds rectangles of numbers; remembers by identity, so that shared lists cost nothing."""

    def __init__(self, *, where: str, limits: Limits) -> None:
        self._where = where
        self._max_depth = limits.max_depth
        self._shapes: dict[int, Shape | None] = {}

    def array_of(self, value: Sequence[Any]) -> Array | None:
        """Return a list of plain numbers, or a rectangle of such lists, as an array.

        Returns
        -------
        An array of int64, float64 or bool; ``None`` if anything else is in the list, if the list
        is empty or ragged, or if a number does not fit 64 bits.

        Raises
        ------
        OverLimit
            If the rectangle has more than 2**24 numbers.
        """
        shape = self._shape(value, self._max_depth)
        if shape is None:
            return None
        if math.prod(shape) > _MAX_NUMBERS:
            message = (
                f"{self._where}: a nested list of shape {shape} has more than {_MAX_NUMBERS} "
                "numbers"
            )
            raise OverLimit(message, remedy="save it as an array: numpy.savez")
        return _numeric(np.array(value))

    def _shape(self, value: object, depth: int) -> Shape | None:
        if type(value) in _PLAIN:
            return ()
        if not isinstance(value, list | tuple) or depth == 0:
            return None
        if id(value) not in self._shapes:
            self._shapes[id(value)] = None  # a list within itself is no rectangle
            self._shapes[id(value)] = self._rectangle(value, depth)
        return self._shapes[id(value)]

    def _rectangle(self, value: Sequence[object], depth: int) -> Shape | None:
        if not value:
            return None
        first = self._shape(value[0], depth - 1)
        if first is None or any(self._shape(item, depth - 1) != first for item in value[1:]):
            return None
        return (len(value), *first)


def numbers_in(array: Array) -> Array | None:
    """Return an object array of nothing but numbers as a numeric array.

    Parameters
    ----------
    array
        Of object type, at least one axis.

    Returns
    -------
    The numbers: NumPy scalars keep their type, Python's become int64, float64 or bool.
    ``None`` if anything else is in it, or nothing.
    """
    items = array.ravel().tolist()
    if not items or not all(type(i) in _PLAIN or isinstance(i, np.number) for i in items):
        return None
    numbers = _numeric(np.array(items))
    return None if numbers is None else numbers.reshape(array.shape)


def _numeric(array: Array) -> Array | None:
    return array if array.dtype.kind in "biufc" else None
