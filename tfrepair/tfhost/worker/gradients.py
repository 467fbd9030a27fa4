"""Watches the gradients that a model's own training step hands to its optimizer.

The step runs as it is, with its loss, clipping and loss scaling; only the last call, which changes
one variable, is replaced for a while. Facts: Keras 3.15, tf_keras 2.21 and its legacy optimizers.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from tfrepair.core.calibration import Gradients
from tfrepair.tfhost.worker.variables import raw

_LEGACY_SPARSE = "_resource_apply_sparse_duplicate_indices"


class Watched:
    """Sums over the gradients of some weights.

    Parameters
    ----------
    weights
        Raw variables by path.
    """

    def __init__(self, weights: Mapping[str, Any]) -> None:
        import tensorflow as tf

        def zeros(shape: Any) -> Any:
            return tf.Variable(tf.zeros(shape, tf.float32), trainable=False)

        self._paths = {_key(variable): path for path, variable in weights.items()}
        self._sums = {
            path: (*(zeros(variable.shape) for _ in range(4)), zeros(()))
            for path, variable in weights.items()
        }

    def clear(self) -> None:
        """Forget what was summed."""
        for sums in self._sums.values():
            for one in sums:
                one.assign(np.zeros(one.shape, np.float32))

    def add(self, gradient: Any, variable: Any) -> None:
        """Add one gradient, inside of a traced step."""
        import tensorflow as tf

        path = self._paths.get(_key(raw(variable)))
        if path is None or gradient is None:
            return
        dense = tf.cast(tf.convert_to_tensor(gradient), tf.float32)
        first, second, largest, active, count = self._sums[path]
        first.assign_add(dense)
        second.assign_add(tf.square(dense))
        largest.assign(tf.maximum(largest, tf.abs(dense)))
        active.assign_add(tf.cast(tf.not_equal(dense, 0.0), tf.float32))
        count.assign_add(1.0)

    def taken(self) -> dict[str, Gradients]:
        """Return the means, by path of the weight; zeros for a weight without a gradient."""
        found = {}
        for path, (first, second, largest, active, count) in self._sums.items():
            number = max(float(count.numpy()), 1.0)
            found[path] = Gradients(
                mean=first.numpy().astype(np.float64) / number,
                squares=second.numpy().astype(np.float64) / number,
                largest=largest.numpy().astype(np.float64),
                active=active.numpy().astype(np.float64) / number,
                batches=number,
            )
        return found


def _key(variable: Any) -> Any:
    return getattr(variable, "_unique_id", id(variable))


def innermost(optimizer: Any) -> Any:
    """Return the optimizer inside of loss scaling."""
    while getattr(optimizer, "inner_optimizer", None) is not None:
        optimizer = optimizer.inner_optimizer
    return optimizer


@contextmanager
def watched(optimizer: Any, watch: Watched, *, updates: bool) -> Iterator[None]:
    """Let a watch see every gradient while a step is traced.

    Parameters
    ----------
    optimizer
        Built.
    watch
        Sums the gradients.
    updates
        True to make the update as well.
    """
    inner = innermost(optimizer)
    if hasattr(inner, "get_slot_names"):
        replaced: dict[str, Callable[..., Any]] = {
            "_resource_apply_dense": _legacy(inner._resource_apply_dense, watch, updates),
            _LEGACY_SPARSE: _legacy_sparse(getattr(inner, _LEGACY_SPARSE), watch, updates),
        }
    else:
        replaced = {"update_step": _step(inner.update_step, watch, updates)}
    for name, call in replaced.items():
        inner.__dict__[name] = call
    try:
        yield
    finally:
        for name in replaced:
            inner.__dict__.pop(name, None)


def _step(update: Callable[..., Any], watch: Watched, updates: bool) -> Callable[..., Any]:
    def update_step(gradient: Any, variable: Any, *rest: Any) -> Any:
        watch.add(gradient, variable)
        return update(gradient, variable, *rest) if updates else None

    return update_step


def _legacy(update: Callable[..., Any], watch: Watched, updates: bool) -> Callable[..., Any]:
    import tensorflow as tf

    def apply_dense(grad: Any, var: Any, *rest: Any, **more: Any) -> Any:
        watch.add(grad, var)
        return update(grad, var, *rest, **more) if updates else tf.no_op()

    return apply_dense


def _legacy_sparse(update: Callable[..., Any], watch: Watched, updates: bool) -> Callable[..., Any]:
    import tensorflow as tf

    def apply_sparse(grad: Any, handle: Any, indices: Any, **more: Any) -> Any:
        shape = tf.convert_to_tensor(tf.shape(handle))
        watch.add(tf.IndexedSlices(grad, indices, dense_shape=shape), handle)
        return update(grad, handle, indices, **more) if updates else tf.no_op()

    return apply_sparse
