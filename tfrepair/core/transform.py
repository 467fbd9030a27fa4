"""Transforms: how a stored array becomes the value of a variable.

A transform is a sequence of operations with a text form, operations joined by ``|`` and applied
from left to right, for example ``transpose:1,0|cast:float32``. The text form is what plans and
reports show and what a person edits. Every operation knows the shape it makes without touching
data, so that a plan is checked before anything is read.
"""

import math
from dataclasses import dataclass
from typing import assert_never

import numpy as np
from typing_extensions import override

from tfrepair.core.beta_powers import LARGEST_BETA, steps_of
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
class Steps:
    """Turn a scalar power of beta into a number of updates, int64; ``steps:beta=0.9``.

    See :func:`tfrepair.core.beta_powers.steps_of`.
    """

    beta: float


Operation = Cast | Reshape | Transpose | Flip | Slice | Blocks | Sum | Scale | Steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Transform:
    """A sequence of operations; the empty one is the identity."""

    operations: tuple[Operation, ...] = ()

    @override
    def __str__(self) -> str:
        return "|".join(_spell(operation) for operation in self.operations) or "identity"

    def shape(self, have: Shape) -> Shape:
        """Return the shape that an array of shape ``have`` becomes.

        Raises
        ------
        TransformError
            If an operation does not fit the shape it meets.
        """
        for operation in self.operations:
            have = _shape(operation, have)
        return have

    def dtype(self, have: str) -> str:
        """Return the element type that an array of type ``have`` ends with."""
        for operation in self.operations:
            match operation:
                case Cast(dtype=dtype):
                    have = dtype
                case Steps():
                    have = "int64"
                case _:
                    pass
        return have

    def run(self, array: Array) -> Array:
        """Apply the operations to an array; pure, the input is not written to.

        Raises
        ------
        TransformError
            If an operation does not fit the shape it meets.
        """
        for operation in self.operations:
            _shape(operation, array.shape)
            array = _run(operation, array)
        return array


IDENTITY = Transform()


def then(first: Transform, *operations: Operation) -> Transform:
    """Return ``first`` followed by more operations."""
    return Transform(operations=(*first.operations, *operations))


def parse_transform(text: str) -> Transform:
    """Parse the text form.

    Parameters
    ----------
    text
        Operations joined by ``|``; ``""`` and ``"identity"`` are the identity.

    Raises
    ------
    TransformError
        Naming the operation that could not be read and the operations there are.
    """
    parts = [part.strip() for part in text.split("|")]
    return Transform(
        operations=tuple(_parse(part) for part in parts if part not in ("", "identity"))
    )


_SYNTAX = (
    "identity, cast:DTYPE, reshape:D0,D1,.., transpose:P0,P1,.., flip:A0,.., "
    "slice:axis=A:START:STOP, blocks:axis=A:order=I,J,.., sum:axis=A:n=N, scale:FACTOR, "
    "steps:beta=B"
)


def _parse(text: str) -> Operation:
    head, _, rest = text.partition(":")
    try:
        match head:
            case "cast":
                return Cast(dtype=numpy_dtype(rest).name)
            case "reshape":
                return Reshape(dims=_integers(rest))
            case "transpose":
                return Transpose(axes=_integers(rest))
            case "flip":
                return Flip(axes=_integers(rest))
            case "slice" | "blocks" | "sum":
                return _along_axis(head, rest)
            case "scale":
                return Scale(factor=_finite(rest))
            case "steps":
                return Steps(beta=_beta(rest.removeprefix("beta=")))
            case _:
                pass
    except (ValueError, TypeError) as error:
        message = f"cannot read the transform {text!r}: {error}; known: {_SYNTAX}"
        raise TransformError(message) from error
    message = f"no such transform: {text!r}; known: {_SYNTAX}"
    raise TransformError(message)


def _along_axis(head: str, rest: str) -> Operation:
    first, *others = rest.split(":")
    axis = _keyed(first, "axis")
    if head == "slice":
        start, stop = others
        return Slice(axis=axis, start=_open(start), stop=_open(stop))
    (last,) = others
    if head == "blocks":
        return Blocks(axis=axis, order=_integers(last.removeprefix("order=")))
    return Sum(axis=axis, n=_keyed(last, "n"))


def _integers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(",")) if text else ()


def _keyed(text: str, key: str) -> int:
    return int(text.removeprefix(f"{key}="))


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        message = "the factor must be finite"
        raise ValueError(message)
    return number


def _beta(text: str) -> float:
    number = _finite(text)
    if not 0 < number <= LARGEST_BETA:
        message = f"beta must lie between 0 and {LARGEST_BETA:g}"
        raise ValueError(message)
    return number


def _open(text: str) -> int | None:
    return int(text) if text else None


def _spell(operation: Operation) -> str:
    match operation:
        case Cast(dtype=dtype):
            return f"cast:{dtype}"
        case Reshape(dims=dims):
            return f"reshape:{_join(dims)}"
        case Transpose(axes=axes):
            return f"transpose:{_join(axes)}"
        case Flip(axes=axes):
            return f"flip:{_join(axes)}"
        case Slice(axis=axis, start=start, stop=stop):
            first, last = ("" if end is None else str(end) for end in (start, stop))
            return f"slice:axis={axis}:{first}:{last}"
        case Blocks(axis=axis, order=order):
            return f"blocks:axis={axis}:order={_join(order)}"
        case Sum(axis=axis, n=n):
            return f"sum:axis={axis}:n={n}"
        case Scale(factor=factor):
            return f"scale:{factor!r}"
        case Steps(beta=beta):
            return f"steps:beta={beta!r}"
        case _:
            assert_never(operation)


def _join(numbers: tuple[int, ...]) -> str:
    return ",".join(str(number) for number in numbers)


def _shape(operation: Operation, have: Shape) -> Shape:
    match operation:
        case Cast() | Scale():
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
        case Slice(axis=axis, start=start, stop=stop):
            _require(0 <= axis < len(have), operation, have)
            first, last = start or 0, have[axis] if stop is None else stop
            _require(0 <= first <= last <= have[axis], operation, have)
            return (*have[:axis], last - first, *have[axis + 1 :])
        case Blocks(axis=axis, order=order):
            _require(
                0 <= axis < len(have) and sorted(order) == list(range(len(order))), operation, have
            )
            _require(bool(order) and have[axis] % len(order) == 0, operation, have)
            return have
        case Sum(axis=axis, n=n):
            _require(0 <= axis < len(have) and n > 0 and have[axis] % n == 0, operation, have)
            return (*have[:axis], have[axis] // n, *have[axis + 1 :])
        case _:
            assert_never(operation)


def _require(fits: bool, operation: Operation, have: Shape) -> None:
    if not fits:
        message = f"{_spell(operation)} does not fit an array of shape {have}"
        raise TransformError(message)


def _run(operation: Operation, array: Array) -> Array:
    match operation:
        case Cast(dtype=dtype):
            return array.astype(numpy_dtype(dtype))
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
        case Scale(factor=factor):
            return np.asarray(array.astype(np.float64) * factor).astype(array.dtype)
        case Steps(beta=beta):
            return _steps(operation, array, beta)
        case _:
            assert_never(operation)


def _steps(operation: Operation, array: Array, beta: float) -> Array:
    wide = "float64" if array.dtype == np.float64 else "float32"
    try:
        return np.asarray(steps_of(float(array), beta, wide), np.int64)
    except ValueError as error:
        message = f"{_spell(operation)}: {error}"
        raise TransformError(message) from error
