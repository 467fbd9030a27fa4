"""Kernels of convolutions: which axis is which, and which way round they stand.

Keras keeps ``(rows, columns, in, out)``. Others keep the filters first, and a library that computes
a true convolution stores a kernel turned by half a turn: with equal sizes all of them have one
shape, so that only the source's era can tell. Pure.

Source: ``preprocess_weights_for_loading`` of tf_keras 2.21 and Keras 2.2.4, which also has the
test for Theano; ``tests/golden/keras`` for what was written on TensorFlow and on Theano.
"""

from collections.abc import Iterator

from tfrepair.core.tensor import Shape
from tfrepair.planning.layouts.routes import Part, Route, one_to_one

TURNED = "turned by half a turn"
_TURNED_NOTE = "a true convolution: the kernel is reversed along its spatial axes"


def _axes(*numbers: int) -> str:
    return ",".join(str(number) for number in numbers)


def _steps(*steps: str) -> str:
    return "|".join(step for step in steps if step)


def convolution_routes(source: Part, target_class: str, target: Part) -> tuple[Route, ...]:
    """Return every layout in which an array may hold the kernel of a convolution.

    Parameters
    ----------
    source
        The array; its role does not matter.
    target_class
        ``"Conv1D"``, ``"Conv2D"``, ``"Conv3D"`` or ``"Conv...Transpose"``.
    target
        The kernel: spatial axes, then in and out; out and in for a transposed convolution.

    Returns
    -------
    ``channels-last`` (as Keras keeps it), ``channels-first`` (filters, in, space: Keras 0 and 1
    with ``dim_ordering="th"``, PyTorch), each also ``..., turned by half a turn`` (Theano, Caffe),
    ``columns-first`` (space exchanged), ``dense`` for what looks at one pixel.
    """
    space = len(target.shape) - 2
    if space < 1:
        return ()
    is_transposed = target_class.endswith("Transpose")
    last = "transposed" if is_transposed else "plain"
    return tuple(_each(_layouts(source.shape, target.shape, space, last), space, source, target))


def _layouts(have: Shape, want: Shape, space: int, kind: str) -> list[tuple[str, str]]:
    spatial = tuple(range(space))
    in_axis, out_axis = space, space + 1
    layouts = [("channels-last", "")]
    if kind == "transposed":
        layouts.append(("keras-1", f"transpose:{_axes(*spatial, out_axis, in_axis)}"))
        shifted = tuple(axis + 2 for axis in spatial)
        layouts.append(("keras-1-channels-first", f"transpose:{_axes(*shifted, 0, 1)}"))
        layouts.append(("channels-first", f"transpose:{_axes(*shifted, 1, 0)}"))
    else:
        shifted = tuple(axis + 2 for axis in spatial)
        layouts.append(("channels-first", f"transpose:{_axes(*shifted, 1, 0)}"))
        if space > 1:
            exchanged = (1, 0, *range(2, space))
            layouts.append(("columns-first", f"transpose:{_axes(*exchanged, in_axis, out_axis)}"))
    if space == 1 and len(have) == 4:
        layouts += _flat(want)
    if len(have) == 2 and set(want[:space]) == {1}:
        layouts.append(("dense", f"reshape:{_axes(*want)}"))
        layouts.append(("dense, transposed", f"transpose:1,0|reshape:{_axes(*want)}"))
    return layouts


def _flat(want: Shape) -> list[tuple[str, str]]:
    """Keras 1 kept one-dimensional kernels with an axis of length one."""
    dims = f"reshape:{_axes(*want)}"
    return [("keras-1", dims), ("keras-0", f"transpose:2,3,1,0|{dims}")]


def _each(
    layouts: list[tuple[str, str]], space: int, source: Part, target: Part
) -> Iterator[Route]:
    flip = f"flip:{_axes(*range(space))}"
    systems = [(name, text, "") for name, text in layouts]
    if any(size > 1 for size in target.shape[:space]):
        systems += [
            (f"{name}, {TURNED}", _steps(text, flip), _TURNED_NOTE)
            for name, text in layouts
            if name != "columns-first"
        ]
    yield from one_to_one(systems, source, target)


def depthwise_routes(source: Part, target: Part) -> tuple[Route, ...]:
    """Return every layout in which an array may hold a depthwise kernel.

    Parameters
    ----------
    source
        The array.
    target
        ``(rows, columns, channels, multiplier)``, or the same with one spatial axis.

    Returns
    -------
    ``channels-last``; ``multiplied`` where channels and multiplier are one axis, before or behind
    an axis of length one; ``channels-first`` (multiplier, channels, space: Keras 1) and
    ``grouped`` (channels times multiplier, 1, space: PyTorch).
    """
    space = len(target.shape) - 2
    if space < 1:
        return ()
    spatial = target.shape[:space]
    channels, multiplier = target.shape[space:]
    shifted = tuple(axis + 2 for axis in range(space))
    dims = f"reshape:{_axes(*target.shape)}"
    systems = [
        ("channels-last", "", ""),
        ("channels-first", f"transpose:{_axes(*shifted, 1, 0)}", ""),
    ]
    one = (*spatial, channels * multiplier, 1)
    other = (*spatial, 1, channels * multiplier)
    if source.shape in (one, other) and source.shape != target.shape:
        systems.append(("multiplied", dims, ""))
    if source.shape == (channels * multiplier, 1, *spatial):
        systems.append(("grouped", f"transpose:{_axes(*shifted, 0, 1)}|{dims}", ""))
    if source.shape == (*spatial, multiplier, channels):
        swapped = f"transpose:{_axes(*range(space), space + 1, space)}"
        systems.append(("multiplier-first", swapped, ""))
    return tuple(one_to_one(systems, source, target))
