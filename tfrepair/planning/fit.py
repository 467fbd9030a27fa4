"""Whether one stored array can become one variable, and by which transform.

Only changes that move no element are found here: an equal shape, axes of length one added or
dropped, and a cast between floating-point types. Anything that could move an element needs more
evidence than a shape. Pure.
"""

from tfrepair.core.architecture import Variable
from tfrepair.core.dtypes import numpy_dtype
from tfrepair.core.tensor import Shape
from tfrepair.core.transform import IDENTITY, Cast, Reshape, Transform, then


def same_kind(have: str, want: str) -> bool:
    """Tell whether a value of dtype ``have`` may fill a variable of dtype ``want``.

    Floating-point types fill each other, and so do integers; nothing else changes kind.
    """
    return _kind(have) == _kind(want)


def is_floating(dtype: str) -> bool:
    """Tell whether an element type is a floating-point one."""
    return _kind(dtype) == "f"


def _kind(dtype: str) -> str:
    kind = numpy_dtype(dtype).kind
    # ml_dtypes' floats have kind "V".
    return {"V": "f", "u": "i"}.get(kind, kind)


def exact_fit(shape: Shape, dtype: str, variable: Variable) -> Transform | None:
    """Return the transform for an equal shape, or ``None``.

    Parameters
    ----------
    shape, dtype
        Of the stored array.
    variable
        The target.
    """
    if shape != variable.shape or not same_kind(dtype, variable.dtype):
        return None
    return cast_to(IDENTITY, dtype, variable)


def loose_fit(shape: Shape, dtype: str, variable: Variable) -> Transform | None:
    """Return the transform if the shapes agree but for axes of length one, or ``None``.

    ``(10,)`` fits ``(1, 1, 10)``, and ``(1, 1, 32, 2)`` fits ``(32, 2)``: no element moves.
    """
    exact = exact_fit(shape, dtype, variable)
    if exact is not None:
        return exact
    if _without_ones(shape) != _without_ones(variable.shape):
        return None
    if not same_kind(dtype, variable.dtype):
        return None
    return cast_to(then(IDENTITY, Reshape(dims=variable.shape)), dtype, variable)


def cast_to(transform: Transform, dtype: str, variable: Variable) -> Transform:
    """Append a cast to the variable's dtype if the source's differs."""
    if dtype == variable.dtype:
        return transform
    return then(transform, Cast(dtype=variable.dtype))


def _without_ones(shape: Shape) -> Shape:
    return tuple(size for size in shape if size != 1)
