"""Curves of losses, and the numbers that say how far two of them are apart. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_WINDOW = 10
"""Steps over which a spike is averaged: what somebody who watches a training sees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """The loss of every step of one training."""

    label: str
    losses: tuple[float, ...]

    @property
    def finite(self) -> tuple[float, ...]:
        """The losses that are numbers."""
        return tuple(loss for loss in self.losses if math.isfinite(loss))

    @property
    def begins(self) -> float:
        """Mean of the first ten losses."""
        return _mean(self.losses[:_WINDOW])

    @property
    def ends(self) -> float:
        """Mean of the last ten losses."""
        return _mean(self.losses[-_WINDOW:])

    @property
    def peak(self) -> float:
        """Largest mean of ten losses in a row."""
        return max(means(self.losses), default=math.nan)

    def to_json(self) -> dict[str, Any]:
        """Return the curve as plain JSON data; what is no finite number is ``null``."""
        return {
            "label": self.label,
            "losses": [_plain(loss) for loss in self.losses],
            "begins": _plain(self.begins),
            "ends": _plain(self.ends),
            "peak": _plain(self.peak),
        }


def means(losses: Sequence[float], window: int = _WINDOW) -> tuple[float, ...]:
    """Return the moving mean; of all of them if there are fewer than the window."""
    width = min(window, len(losses))
    return tuple(
        _mean(losses[start : start + width]) for start in range(len(losses) - width + 1) if width
    )


def compared(curve: Curve, other: Curve) -> Mapping[str, float | None]:
    """Say how far a curve is from another one.

    Parameters
    ----------
    curve, other
        Losses of the same steps.

    Returns
    -------
    ``deviation``, the area between the two; ``excess``, the same with its sign (positive if
    ``curve`` is above); ``bump``, the worst mean excess over ten steps. ``None`` for what is no
    finite number.
    """
    apart = [a - b for a, b in zip(curve.losses, other.losses, strict=True)]
    found = {
        "deviation": sum(abs(d) for d in apart),
        "excess": sum(apart),
        "bump": max(means(apart), default=0.0),
    }
    return {name: _plain(value) for name, value in found.items()}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None
