"""How a source as a whole orders the axes of its kernels, which single shapes do not tell.

A file comes from one system: if its convolutions keep the filters first, all of them do. What that
means for square kernels and for the layer after a flattening is decided here for the whole source.
Pure.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import isqrt, prod

from tfrepair.core.tensor import Shape

_LARGEST_WINDOW = 11
_TORCH_LEAF = re.compile(r"(^|\.)(weight|running_mean|weight_ih_l0)$")
_KERAS_1_LEAF = re.compile(r"(^|/)[A-Za-z0-9_]+_W$")


class Axes(StrEnum):
    """Where the kernels of a source's convolutions have their windows."""

    UNKNOWN = ""
    LAST = "channels-last"
    FIRST = "channels-first"


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """What holds for all kernels of a source.

    Attributes
    ----------
    axes
        See :class:`Axes`.
    dense_turned
        True if matrices are ``(out, in)``.
    turned_by_half
        True if convolutions are true ones: kernels reversed along their windows (Theano).
    """

    axes: Axes = Axes.UNKNOWN
    dense_turned: bool = False
    turned_by_half: bool = False


PLAIN = System()


def system_of(names: Sequence[str], shapes: Sequence[Shape], source_format: str) -> System:
    """Judge a source by the shapes of its kernels and the style of its names."""
    votes = [_axes(shape) for shape in shapes if len(shape) in (4, 5)]
    first, last = votes.count(Axes.FIRST), votes.count(Axes.LAST)
    axes = Axes.FIRST if first > last else Axes.LAST if last > first else Axes.UNKNOWN
    dotted = sum(1 for name in names if "/" not in name and _TORCH_LEAF.search(name))
    torch = dotted * 3 >= len(names)
    keras_1 = any(_KERAS_1_LEAF.search(name) for name in names)
    theano = (
        keras_1
        and source_format.startswith("keras")
        and not any(":" in name.rpartition("/")[2] for name in names)
    )
    return System(axes=axes, dense_turned=torch and axes is not Axes.LAST, turned_by_half=theano)


def _axes(shape: Shape) -> Axes:
    window, rest = shape[:-2], shape[-2:]
    if max(window) <= _LARGEST_WINDOW < max(rest):
        return Axes.LAST
    window, rest = shape[2:], shape[:2]
    if max(window) <= _LARGEST_WINDOW < max(rest):
        return Axes.FIRST
    return Axes.UNKNOWN


def reversed_windows(text: str, want: Shape) -> str:
    """Return a transform to a convolution kernel with its windows turned by half a turn."""
    axes = ",".join(str(axis) for axis in range(len(want) - 2))
    return f"flip:{axes}" if text == "identity" else f"{text}|flip:{axes}"


def after_flattening(have: Shape, channels: int, *, turned: bool) -> str | None:
    """Return how a matrix for a flattened image of channels first reads one of channels last.

    Parameters
    ----------
    have
        ``(out, in)`` if ``turned``, else ``(in, out)``.
    channels
        Number of channels of the image.

    Returns
    -------
    The transform; ``""`` if the matrix reads single pixels, ``None`` if the window's sides are not
    known because it is not a square.
    """
    inputs, outputs = (have[1], have[0]) if turned else have
    if channels <= 0 or inputs % channels or inputs == channels:
        return ""
    side = isqrt(inputs // channels)
    if side * side * channels != inputs:
        return None
    if turned:
        return (
            f"reshape:{outputs},{channels},{side},{side}|transpose:2,3,1,0|"
            f"reshape:{prod((side, side, channels))},{outputs}"
        )
    return (
        f"reshape:{channels},{side},{side},{outputs}|transpose:1,2,0,3|"
        f"reshape:{prod((side, side, channels))},{outputs}"
    )
