"""Arrays and tensors that a layer holds and the traced graph has as constants.

NumPy arrays and small tensors leave no trace in a function's captures: they are found by value.
Those of Keras' own layers come from their configuration and are left out, unless they are derived
from weights. Comes before :mod:`tfrepair.tfhost.worker.audit`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfrepair.core.digest import array_digest
from tfrepair.core.tensor import Array
from tfrepair.tfhost.worker.audit_holders import Held, is_users
from tfrepair.tfhost.worker.captures import graphs_of
from tfrepair.tfhost.worker.variables import is_variable


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldConstant:
    """One array or tensor in the model, and its present value."""

    held: Held
    value: Array
    is_finalized: bool

    @property
    def digest(self) -> str:
        """Digest of the value, as :func:`digests_of` gives it."""
        return _digest(self.value)


def digests_of(held: Mapping[int, Held]) -> frozenset[str]:
    """Return the digests of all arrays and tensors that a model holds."""
    return frozenset(constant.digest for constant in _candidates(held))


def held_constants(held: Mapping[int, Held], traces: Sequence[Any]) -> tuple[HeldConstant, ...]:
    """Return what layers hold of more than one element and functions compute with."""
    candidates = list(_candidates(held))
    if not candidates:
        return ()
    known = {_digest(value) for trace in traces for value in _values(trace)}
    return tuple(constant for constant in candidates if constant.digest in known)


def _candidates(held: Mapping[int, Held]) -> Iterator[HeldConstant]:
    import tensorflow as tf

    for one in held.values():
        value = one.value
        is_tensor = tf.is_tensor(value) and not is_variable(value) and hasattr(value, "numpy")
        if not (is_tensor or isinstance(value, np.ndarray)):
            continue
        if is_tensor and value.dtype in (tf.resource, tf.variant):
            continue
        array = np.asarray(value)
        is_finalized = any(_derives(step.owner) for step in one.steps)
        if array.size > 1 and array.dtype.kind in "fciub" and (is_finalized or is_users(one)):
            yield HeldConstant(held=one, value=array, is_finalized=is_finalized)


def _derives(layer: Any) -> bool:
    """Tell whether a layer has a ``finalize_state`` of its own; tf_keras has an empty one."""
    return any(
        "finalize_state" in vars(kind) and kind.__name__ != "Layer" for kind in type(layer).__mro__
    )


def _values(trace: Any) -> Iterator[Array]:
    import tensorflow as tf

    for tensor, _ in trace.graph.captures:
        if tensor.dtype.name not in ("resource", "variant", "string"):
            yield np.asarray(tensor)
    for graph in graphs_of(trace):
        for operation in graph.get_operations():
            if operation.type == "Const" and operation.outputs[0].dtype != tf.string:
                yield tf.make_ndarray(operation.get_attr("value"))


def _digest(value: Array) -> str:
    """Digest a value as the graph may hold it: 64-bit floats were cast to 32."""
    array = value.astype(np.float32) if value.dtype.kind == "f" else value
    return array_digest(np.ascontiguousarray(array).reshape(-1))
