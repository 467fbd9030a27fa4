"""The steps that a transform is made of: what each does to a shape and to an array.

Each operation is a frozen value. Comes before :mod:`tfrepair.core.operation_text`, which spells
them, and :mod:`tfrepair.core.transform`, which runs them one after the other.
"""

import math
from dataclasses import dataclass
from typing import assert_never

import numpy as np

from tfrepair.core.beta_powers import steps_of
from tfrepair.core.dtypes import numpy_dtype
from tfrepair.core.tensor import Array, Shape


class TransformError(ValueError):
    """A transform that cannot be parsed or does not fit the shape it is applied to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Change the element type; ``cast:float32``."""

    dtype: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reshape:
    """Read the elements in C order under another shape; ``reshape:1,1,32``."""

    dims: Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Transpose:
    """Permute the axes as ``numpy.transpose`` does; ``transpose:1,0``."""

    axes: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """Reverse the order along axes; ``flip:0,1``."""

    axes: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Take ``start:stop`` of one axis; ``slice:axis=0:2:3``. ``None`` is an open end."""

    axis: int
    start: int | None
    stop: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """Split an axis into equal blocks and reorder them; ``blocks:axis=1:order=0,2,1,3``."""

    axis: int
    order: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """Split an axis into ``n`` equal blocks and add them; ``sum:axis=0:n=2``."""

    axis: int
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Multiply by a number; ``scale:-0.05``. Rounded once, to the element type."""

    factor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Offset:
    """Add a number; ``offset:1e-06``. Rounded once, to the element type."""

    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Square:
    """Multiply each element by itself; ``square``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddForget:
    """Put a bias that a graph adds into ``start:stop``; ``add_forget:1.0:axis=0:8:16``.

    TensorFlow 1 cells add a forget bias, 1 unless told otherwise, that is not in the checkpoint.
    """

    value: float
    axis: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Into:
    """The region of the variable that the result goes to; ``into::,0:8``. Always the last step.

    Attributes
    ----------
    region
        For each axis of the variable: ``(start, stop)`` with ``None`` for an open end, or one
        index, which takes the axis away.
    """

    region: tuple[tuple[int | None, int | None] | int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Turn a scalar power of beta into a number of updates, int64; ``steps:beta=0.9``.

    See :func:`tfrepair.core.beta_powers.steps_of`.
    """

    beta: float


Operation = (
    Cast
    | Reshape
    | Transpose
    | Flip
    | Slice
    | Blocks
    | Sum
    | Scale
    | Offset
    | Square
    | AddForget
    | Into
    | Steps
)


def shape_after(operation: Operation, have: Shape) -> Shape:
    """Return the shape that an array of shape ``have`` becomes; ``Into`` changes nothing.

    Raises
    ------
    TransformError
        If the operation does not fit.
    """
    match operation:
        case Cast() | Scale() | Offset() | Square() | Into():
            return have
        case Steps():
            _require(have == (), operation, have)
            return have
        case Reshape(dims=dims):
            _require(math.prod(dims) == math.prod(have), operation, have)
            return dims
        case Transpose(axes=axes):
            _require(sorted(axes) == list(range(len(have))), operation, have)
            return tuple(have[axis] for axis in axes)
        case Flip(axes=axes):
            _require(all(0 <= axis < len(have) for axis in axes), operation, have)
            return have
        case _:
            return _along_an_axis(operation, have)


def _along_an_axis(operation: Slice | Blocks | Sum | AddForget, have: Shape) -> Shape:
    axis = operation.axis
    _require(0 <= axis < len(have), operation, have)
    size = have[axis]
    match operation:
        case AddForget(start=start, stop=stop):
            _require(0 <= start <= stop <= size, operation, have)
            return have
        case Slice(start=start, stop=stop):
            first, last = start or 0, size if stop is None else stop
            _require(0 <= first <= last <= size, operation, have)
            return (*have[:axis], last - first, *have[axis + 1 :])
        case Blocks(order=order):
            _require(sorted(order) == list(range(len(order))), operation, have)
            _require(bool(order) and size % len(order) == 0, operation, have)
            return have
        case Sum(n=n):
            _require(n > 0 and size % n == 0, operation, have)
            return (*have[:axis], size // n, *have[axis + 1 :])
        case _:
            assert_never(operation)


def _require(fits: bool, operation: Operation, have: Shape) -> None:
    if not fits:
        message = f"{operation} does not fit an array of shape {have}"
        raise TransformError(message)


def run_one(operation: Operation, array: Array) -> Array:
    """Apply one operation to an array that it fits; the input is not written to.

    Raises
    ------
    TransformError
        If the values do not allow it.
    """
    match operation:
        case Into():
            return array
        case Cast(dtype=dtype):
            return array.astype(numpy_dtype(dtype))
        case Scale(factor=factor):
            return np.asarray(array.astype(np.float64) * factor).astype(array.dtype)
        case Offset(value=value):
            return np.asarray(array.astype(np.float64) + value).astype(array.dtype)
        case Square():
            return np.asarray(np.square(array.astype(np.float64))).astype(array.dtype)
        case Steps(beta=beta):
            return _steps(array, beta)
        case _:
            return _moved(operation, array)


def _moved(
    operation: Reshape | Transpose | Flip | Slice | Blocks | Sum | AddForget, array: Array
) -> Array:
    match operation:
        case Reshape(dims=dims):
            return array.reshape(dims)
        case Transpose(axes=axes):
            return array.transpose(axes)
        case Flip(axes=axes):
            return np.flip(array, axes)
        case Slice(axis=axis, start=start, stop=stop):
            return array[(*(slice(None),) * axis, slice(start, stop))]
        case Blocks(axis=axis, order=order):
            pieces = np.split(array, len(order), axis=axis)
            return np.concatenate([pieces[index] for index in order], axis=axis)
        case Sum(axis=axis, n=n):
            return np.sum(np.split(array, n, axis=axis), axis=0, dtype=array.dtype)
        case AddForget(value=value, axis=axis, start=start, stop=stop):
            raised = np.array(array)
            part = (*(slice(None),) * axis, slice(start, stop))
            raised[part] = run_one(Offset(value=value), raised[part])
            return raised
        case _:
            assert_never(operation)


def _steps(array: Array, beta: float) -> Array:
    wide = "float64" if array.dtype == np.float64 else "float32"
    try:
        return np.asarray(steps_of(float(array), beta, wide), np.int64)
    except ValueError as error:
        message = f"steps:beta={beta!r}: {error}"
        raise TransformError(message) from error


def undo(operation: Operation, have: Shape) -> Operation | None:
    """Return what takes a step back, bit for bit, or ``None`` if something was lost.

    Parameters
    ----------
    operation
        The step.
    have
        Shape of the array before it.
    """
    match operation:
        case Reshape():
            return Reshape(dims=have)
        case Transpose(axes=axes):
            return Transpose(axes=tuple(axes.index(axis) for axis in range(len(axes))))
        case Flip():
            return operation
        case Blocks(axis=axis, order=order):
            back = tuple(order.index(place) for place in range(len(order)))
            return Blocks(axis=axis, order=back)
        case _:
            return None
