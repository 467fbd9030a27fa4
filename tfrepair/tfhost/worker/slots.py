"""Which of an optimizer's variables belongs to which weight, and what it is called there.

Attached by position in the optimizer's own lists, never by taking joined names apart:
``a/b_c`` and ``a_b/c`` have the same joined name. Facts: Keras 3.15, tf_keras 2.21.
"""

from collections.abc import Iterator, Mapping
from typing import Any


def slots_of(optimizer: Any, trainable: list[Any]) -> Mapping[int, tuple[Any, str]]:
    """Return, by ``id`` of the raw variable, the weight and the slot's name.

    Parameters
    ----------
    optimizer
        A built Keras 3, tf_keras or legacy tf_keras optimizer.
    trainable
        The weights it was built for, in that order.
    """
    found: dict[int, tuple[Any, str]] = {}
    if hasattr(optimizer, "get_slot_names"):
        for weight in trainable:
            for slot in optimizer.get_slot_names():
                found[id(optimizer.get_slot(weight, slot))] = (weight, slot)
        return found
    for owner in _owners(optimizer):
        # What the optimizer was built for, where it remembers it: weights may be frozen since.
        weights = list(getattr(owner, "_trainable_variables", ())) or trainable
        for attribute, values in vars(owner).items():
            if attribute in ("_trainable_variables", "_variables"):
                continue
            for weight, variable in _aligned(values, weights):
                raw = getattr(variable, "_value", variable)
                found.setdefault(id(raw), (weight, _slot_name(variable, weight, attribute)))
    return found


def _owners(optimizer: Any) -> Iterator[Any]:
    """Yield an optimizer and what it wraps (loss scaling)."""
    while optimizer is not None:
        yield optimizer
        optimizer = getattr(optimizer, "inner_optimizer", None)


def _aligned(values: Any, weights: list[Any]) -> Iterator[tuple[Any, Any]]:
    """Yield the pairs of a list that has one entry for each weight."""
    if not isinstance(values, list | tuple) or len(values) != len(weights):
        return
    for weight, value in zip(weights, values, strict=True):
        if hasattr(value, "assign") and hasattr(value, "shape"):
            yield weight, value


def _slot_name(variable: Any, weight: Any, attribute: str) -> str:
    """Return the slot's own name: ``momentum`` (Keras 3), ``m`` (tf_keras)."""
    name = str(variable.name).partition(":")[0]
    path = getattr(weight, "path", None)
    if path is not None:
        joined = str(path).replace("/", "_") + "_"
        return name.removeprefix(joined) if name.startswith(joined) else attribute.strip("_")
    # tf_keras: m/dense/kernel, with the optimizer's name in front in some versions.
    suffix = "/" + str(weight.name).partition(":")[0]
    if name.endswith(suffix):
        return name.removesuffix(suffix).rpartition("/")[2]
    return attribute.strip("_")
