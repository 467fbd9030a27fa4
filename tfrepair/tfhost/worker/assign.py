"""Values into variables, and back: what an export writes, and what a live model gets restored."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from tfrepair.core.architecture import VariableKind
from tfrepair.core.dtypes import numpy_dtype
from tfrepair.core.errors import HostError
from tfrepair.tfhost.protocol import ValueFile
from tfrepair.tfhost.worker.built import MODULE, Built, NamedVariable
from tfrepair.tfhost.worker.compiling import deserialized
from tfrepair.tfhost.worker.layers import walk
from tfrepair.tfhost.worker.variables import named_variables, optimizer_variables, raw


def assign(values: Iterable[ValueFile], variables: Sequence[NamedVariable]) -> None:
    """Give variables the values of files, each checked against its variable.

    Raises
    ------
    HostError
        If a value names no variable, or does not have its shape and dtype.
    """
    by_path = {named.path: named.variable for named in variables}
    for value in values:
        variable = by_path.get(value.path)  # type: ignore[call-overload]
        if variable is None:
            message = f"no variable is called {value.path!r}"
            raise HostError(message)
        want = (tuple(variable.shape.as_list()), variable.dtype.base_dtype.name)
        if (value.shape, value.dtype) != want:
            message = f"{value.path}: expected {want}, got {(value.shape, value.dtype)}"
            raise HostError(message)
        array = np.fromfile(value.file, numpy_dtype(value.dtype)).reshape(value.shape)
        variable.assign(array)


def finalize(built: Built) -> None:
    """Let layers that derive tensors from their weights derive them anew (Normalization)."""
    if built.framework == MODULE:
        return
    for _, layer in walk(built.model, built.framework):
        if callable(getattr(layer, "finalize_state", None)):
            layer.finalize_state()


def reset_training_state(built: Built) -> None:
    """Put optimizer and metrics to where a fresh model has them."""
    if built.framework == MODULE:
        return
    built.model.reset_metrics()
    optimizer = built.optimizer
    if optimizer is None:
        return
    fresh = fresh_optimizer(built)
    have, want = optimizer_variables(optimizer), optimizer_variables(fresh)
    for variable, initial in zip(have, want, strict=True):
        raw(variable).assign(raw(initial))


def fresh_optimizer(built: Built) -> Any:
    """Return an optimizer of the same configuration that is built and has not trained."""
    keras = built.keras
    config = keras.optimizers.serialize(built.optimizer)
    fresh = deserialized(keras, config)
    weights = built.model.trainable_variables
    if hasattr(fresh, "get_slot_names"):
        fresh._create_all_weights(weights)
    else:
        fresh.build(weights)
    return fresh


def snapshot(variables: Sequence[NamedVariable]) -> Callable[[], None]:
    """Remember the values of variables; the result puts them back."""
    values = [(named.variable, named.variable.numpy()) for named in variables]

    def restore() -> None:
        for variable, value in values:
            variable.assign(value)

    return restore


@contextmanager
def untouched(built: Built) -> Iterator[None]:
    """Leave a live model as it was, whatever happens inside."""
    restore = snapshot(named_variables(built, _captured(built)))
    try:
        yield
    finally:
        restore()
        finalize(built)


def _captured(built: Built) -> tuple[tuple[str, Any, VariableKind], ...]:
    from tfrepair.tfhost.worker.captures import captured_variables

    return () if built.trace is None else captured_variables([built.trace.function], built)
