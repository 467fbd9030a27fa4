"""The text form of operations, which plans and reports show and a person edits.

One grammar for reading and writing. Comes after :mod:`tfrepair.core.operations` and before
:mod:`tfrepair.core.transform`.
"""

import math
from typing import assert_never

from tfrepair.core.beta_powers import LARGEST_BETA
from tfrepair.core.dtypes import numpy_dtype
from tfrepair.core.operations import (
    AddForget,
    Blocks,
    Cast,
    Flip,
    Into,
    Offset,
    Operation,
    Reshape,
    Scale,
    Slice,
    Square,
    Steps,
    Sum,
    TransformError,
    Transpose,
)

_SYNTAX = (
    "identity, cast:DTYPE, reshape:D0,D1,.., transpose:P0,P1,.., flip:A0,.., "
    "slice:axis=A:START:STOP, blocks:axis=A:order=I,J,.., sum:axis=A:n=N, scale:FACTOR, "
    "offset:VALUE, square, add_forget:VALUE:axis=A:START:STOP, into:R0,R1,.. (R is :, A:B or an "
    "index), steps:beta=B"
)


def parse_operation(text: str) -> Operation:
    """Read one operation.

    Raises
    ------
    TransformError
        With the operations there are.
    """
    head, _, rest = text.partition(":")
    try:
        found = _lists(head, rest) or _numbers(head, rest) or _axes(head, rest)
    except (ValueError, TypeError) as error:
        message = f"cannot read the transform {text!r}: {error}; known: {_SYNTAX}"
        raise TransformError(message) from error
    if found is None:
        message = f"no such transform: {text!r}; known: {_SYNTAX}"
        raise TransformError(message)
    return found


def _lists(head: str, rest: str) -> Operation | None:
    match head:
        case "reshape":
            return Reshape(dims=_integers(rest))
        case "transpose":
            return Transpose(axes=_integers(rest))
        case "flip":
            return Flip(axes=_integers(rest))
        case "into":
            return Into(region=tuple(_range(part) for part in rest.split(",")) if rest else ())
        case _:
            return None


def _numbers(head: str, rest: str) -> Operation | None:
    match head:
        case "cast":
            return Cast(dtype=numpy_dtype(rest).name)
        case "scale":
            return Scale(factor=_finite(rest))
        case "offset":
            return Offset(value=_finite(rest))
        case "square" if not rest:
            return Square()
        case "steps":
            return Steps(beta=_beta(rest.removeprefix("beta=")))
        case _:
            return None


def _axes(head: str, rest: str) -> Operation | None:
    if head not in ("slice", "blocks", "sum", "add_forget"):
        return None
    if head == "add_forget":
        number, first, start, stop = rest.split(":")
        value, axis = _finite(number), _keyed(first, "axis")
        return AddForget(value=value, axis=axis, start=int(start), stop=int(stop))
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


def _range(text: str) -> tuple[int | None, int | None] | int:
    start, colon, stop = text.partition(":")
    numbers = (_open(start.strip()), _open(stop.strip())) if colon else int(text)
    given = (numbers,) if isinstance(numbers, int) else numbers
    if any(number is not None and number < 0 for number in given):
        message = "places in a region count from the beginning"
        raise ValueError(message)
    return numbers


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        message = "the number must be finite"
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


def spell(operation: Operation) -> str:
    """Return the text that :func:`parse_operation` reads."""
    match operation:
        case Reshape(dims=dims):
            return f"reshape:{_join(dims)}"
        case Transpose(axes=axes):
            return f"transpose:{_join(axes)}"
        case Flip(axes=axes):
            return f"flip:{_join(axes)}"
        case Slice(axis=axis, start=start, stop=stop):
            return f"slice:axis={axis}:{_ends(start, stop)}"
        case Blocks(axis=axis, order=order):
            return f"blocks:axis={axis}:order={_join(order)}"
        case Sum(axis=axis, n=n):
            return f"sum:axis={axis}:n={n}"
        case _:
            return _spell_value(operation)


def _spell_value(
    operation: Cast | Scale | Offset | Square | AddForget | Into | Steps,
) -> str:
    match operation:
        case Cast(dtype=dtype):
            return f"cast:{dtype}"
        case Scale(factor=factor):
            return f"scale:{factor!r}"
        case Offset(value=value):
            return f"offset:{value!r}"
        case Square():
            return "square"
        case AddForget(value=value, axis=axis, start=start, stop=stop):
            return f"add_forget:{value!r}:axis={axis}:{start}:{stop}"
        case Into(region=region):
            parts = (str(r) if isinstance(r, int) else _ends(*r) for r in region)
            return f"into:{','.join(parts)}"
        case Steps(beta=beta):
            return f"steps:beta={beta!r}"
        case _:
            assert_never(operation)


def _ends(start: int | None, stop: int | None) -> str:
    return ":".join("" if end is None else str(end) for end in (start, stop))


def _join(numbers: tuple[int, ...]) -> str:
    return ",".join(str(number) for number in numbers)
