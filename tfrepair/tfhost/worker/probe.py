"""Example inputs for a model, and what it answers to them in memory."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tfrepair.core.tensor import Array
from tfrepair.tfhost.worker.built import Endpoint
from tfrepair.tfhost.worker.inputs import example, named_outputs

BATCHES = (1, 3)
"""Batch sizes of a probe; what differs between them shows a batch axis that is not free."""

_SIZES = (16, 32, 64, 128, 256)


def example_args(
    args: tuple[Any, ...], call: Callable[..., Any], *, batch: int = 1
) -> tuple[Any, ...]:
    """Return arrays that a model accepts for its argument specs.

    Free axes other than the batch get the smallest size that the model runs with: a network of
    strided convolutions needs more than a few pixels.

    Raises
    ------
    Exception
        Whatever the model raises for the last size that was tried.
    """
    import tensorflow as tf

    flat = tf.nest.flatten(args)
    has_free = any(None in spec.shape.as_list()[1:] for spec in flat)
    sizes = _SIZES if has_free else _SIZES[:1]
    for size in sizes:
        rng = np.random.default_rng(0)
        values = [
            tf.constant(example(spec, batch=batch, size=size, rng=rng), spec.dtype) for spec in flat
        ]
        packed: tuple[Any, ...] = tf.nest.pack_sequence_as(args, values)
        try:
            call(*packed)
        except Exception:
            if size == sizes[-1]:
                raise
            continue
        return packed
    message = "no size was tried"
    raise AssertionError(message)


def probe(endpoint: Endpoint, reset: Callable[[], None]) -> Mapping[str, Array]:
    """Run a model on example inputs; return members ``in/name``, ``out/name``, ``in1/``, ``out1/``.

    Parameters
    ----------
    endpoint
        What to call.
    reset
        Puts every variable back, so that each batch meets the state that was exported.
    """
    import tensorflow as tf

    members: dict[str, Array] = {}
    free = all(
        spec.shape.rank in (None, 0) or spec.shape[0] is None
        for spec in tf.nest.flatten(endpoint.args)
    )
    for place, batch in enumerate(BATCHES if free else BATCHES[:1]):
        mark = str(place) if place else ""
        args = example_args(endpoint.args, endpoint.call, batch=batch)
        reset()
        outputs = endpoint.call(*args)
        reset()
        for name, value in zip(endpoint.names, tf.nest.flatten(args), strict=True):
            members[f"in{mark}/{name}"] = plain(value)
        for name, value in zip(*named_outputs(outputs), strict=True):
            members[f"out{mark}/{name}"] = plain(value)
    return members


def plain(value: Any) -> Array:
    """Return a tensor as an array that ``.npz`` holds without pickling."""
    import tensorflow as tf

    return plain_array(np.asarray(tf.convert_to_tensor(value).numpy()))


def plain_array(array: Array) -> Array:
    """Return an array of any element type in one that ``.npz`` holds without pickling."""
    if array.dtype == object:
        return np.array(array.ravel().tolist(), dtype="S").reshape(array.shape)
    # Extended floats are plain voids to a reader of .npz; float32 holds each of them exactly.
    return array.astype(np.float32) if array.dtype.kind == "V" else array
