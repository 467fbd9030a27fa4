"""Dense kernels: transposed, written as a convolution of one pixel, or behind a flattened image.

Pure. Source: ``tests/golden/keras``; Keras' ``convert_dense_weights_data_format`` for the order of
rows behind a ``Flatten``.
"""

import math

from tfrepair.core.tensor import Shape
from tfrepair.planning.layouts.routes import Part, Route, one_to_one


def dense_routes(source: Part, target: Part, flattened: Shape = ()) -> tuple[Route, ...]:
    """Return every layout in which an array may hold a dense kernel.

    Parameters
    ----------
    source
        The array.
    target
        ``(in, out)``.
    flattened
        What a ``Flatten`` right before the layer flattens, ``(rows, columns, channels)`` or
        with any number of spatial axes; empty if there is none.

    Returns
    -------
    ``plain``, ``transposed`` (PyTorch, TensorFlow 1's output layers), ``convolution`` (one pixel
    per filter), and with ``flattened`` also ``behind channels-first`` (rows in the order of
    channels, rows, columns) and its transpose.
    """
    if len(target.shape) != 2:
        return ()
    dims = ",".join(str(size) for size in target.shape)
    systems = [("plain", "", ""), ("transposed", "transpose:1,0", "")]
    if len(source.shape) > 2:
        spatial = source.shape[:-2]
        if source.shape[-2:] == target.shape and set(spatial) == {1}:
            systems.append(("convolution", f"reshape:{dims}", ""))
        if source.shape[:2] == target.shape[::-1] and set(source.shape[2:]) == {1}:
            turned = ",".join(str(size) for size in target.shape[::-1])
            text = f"reshape:{turned}|transpose:1,0"
            systems.append(("convolution, channels-first", text, ""))
        if math.prod(source.shape[:-1]) == target.shape[0] and set(spatial) != {1}:
            systems.append(("convolution over the whole image", f"reshape:{dims}", ""))
    if len(flattened) > 1 and math.prod(flattened) == target.shape[0]:
        rows = rows_from_channels_first(flattened, target.shape[1])
        note = f"its rows stand for {flattened[-1]} channels of {flattened[:-1]}, channels first"
        systems.append(("behind channels-first", rows, note))
        systems.append(("behind channels-first, transposed", f"transpose:1,0|{rows}", note))
    return tuple(one_to_one(systems, source, target))


def rows_from_channels_first(flattened: Shape, units: int) -> str:
    """Return the transform that reorders rows from (channels, space) to (space, channels)."""
    *space, channels = flattened
    axes = [*range(1, len(space) + 1), 0, len(space) + 1]
    first = ",".join(str(size) for size in (channels, *space, units))
    order = ",".join(str(axis) for axis in axes)
    return f"reshape:{first}|transpose:{order}|reshape:{math.prod(flattened)},{units}"
