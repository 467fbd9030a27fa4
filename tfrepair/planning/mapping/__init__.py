"""The mapping engine: which tensors of a source fill which variables, or that nothing tells.

``map_tensors`` takes a :class:`Problem` (names, shapes and types of both sides) and returns what
is :class:`Mapped`. See ``docs/mapping.md`` for how it decides.
"""

from tfrepair.planning.mapping.engine import map_tensors
from tfrepair.planning.mapping.problem import (
    CONFIDENCE,
    Edge,
    Given,
    Kind,
    Mapped,
    Order,
    Problem,
    Sample,
    Undecided,
    Wanted,
)

__all__ = [
    "CONFIDENCE",
    "Edge",
    "Given",
    "Kind",
    "Mapped",
    "Order",
    "Problem",
    "Sample",
    "Undecided",
    "Wanted",
    "map_tensors",
]
