"""Stores and architectures with optimizers, in the names of every era, made by hand."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from tests.planning.models import architecture, dense, tensor
from tfrepair.core.architecture import Architecture, Variable, VariableKind, VariablePath
from tfrepair.core.tensor import Array, Origin, Purpose, Tensor, TensorStore
from tfrepair.planning.dialects.optimizers import FAMILIES, SHARED_SLOTS, Family, Slot

VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"
WEIGHTS = {"a/kernel": (3, 2), "a/bias": (2,), "b/kernel": (2, 4), "b/bias": (4,)}
ERAS = ("before", "since", "keras_3")
SOURCES = ("saver", *ERAS, "own", "keras_file")
NEVER_BEFORE = {"lion", "lamb", "adafactor", "muon", "adamweightdecay", "proximaladagrad"}
"""Families that ``OptimizerV2`` of TensorFlow itself does not have."""


def kinds_of(family: Family) -> tuple[str, ...]:
    if family.saver_orders:
        return family.saver_orders[-1]
    return tuple(slot.kind for slot in family.slots if slot.axes == "all")


def has_era(family: Family, era: str) -> bool:
    """Return whether an optimizer of TensorFlow itself was there in an era."""
    if era == "saver":
        return bool(family.saver_word)
    if family.name in NEVER_BEFORE and era == "before":
        return False
    names = {"own": "keras_3", "keras_file": "since"}.get(era, era)
    return all(getattr(slot_of(family, kind), names) for kind in kinds_of(family))


def slot_of(family: Family, kind: str) -> Slot:
    return next(slot for slot in (*family.slots, *SHARED_SLOTS) if slot.kind == kind)


def optimizing(
    name: str, era: str = "keras_3", *, kinds: tuple[str, ...] | None = None, **config: Any
) -> Architecture:
    """Return two dense layers under an optimizer of a family, as an era names its variables."""
    family = FAMILIES[name]
    base = architecture(dense("a", 3, 2), dense("b", 2, 4))
    step = "iter" if era == "before" else "iteration"
    slots = [
        (v, getattr(slot_of(family, kind), era))
        for kind in (kinds_of(family) if kinds is None else kinds)
        for v in base.weights
    ]
    scalars = {step: "int64", "learning_rate": "float32"}
    if name == "nadam":
        scalars |= {"momentum_cache" if era == "before" else "variable": "float32"}
    return replace(
        base,
        optimizer=family.title,
        optimizer_config={"class_name": family.title, "config": {"learning_rate": 0.5} | config},
        variables=(
            *base.variables,
            *(_scalar(word, dtype) for word, dtype in scalars.items()),
            *(_slot(v, slot) for v, slot in slots),
        ),
    )


def _scalar(word: str, dtype: str) -> Variable:
    path = VariablePath(f"optimizer/{word}")
    kind = VariableKind.OPTIMIZER
    return Variable(path=path, shape=(), dtype=dtype, trainable=False, kind=kind)


def _slot(weight: Variable, slot: str) -> Variable:
    return replace(
        weight,
        path=VariablePath(f"optimizer/{weight.path}/{slot}"),
        kind=VariableKind.OPTIMIZER,
        trainable=False,
        of=weight.path,
        slot=slot,
    )


def value_of(owner: str, kind: str, scale: float = 1.0) -> Array:
    """Return values of a slot that belong to nothing else, and that a training may have made."""
    scale, start = {"mg": (0.1, 0.0), "v": (1.0, 0.5), "vhat": (1.0, 2.0)}.get(kind, (scale, 0.0))
    seed = sum(map(ord, owner + kind))
    found = np.random.default_rng(seed).uniform(0.1, 1.0, WEIGHTS[owner]) * scale
    return (found + start).astype("float32")


def power(beta: float, steps: int) -> Array:
    """Multiply as TensorFlow does; what is too small becomes 0."""
    value = np.float32(beta)
    for _ in range(steps):
        value = np.float32(value * np.float32(beta))
        if value < np.finfo(np.float32).tiny:
            value = np.float32(0)
    return np.asarray(value, "float32")


def trained(
    name: str,
    source: str,
    *,
    steps: int = 37,
    kinds: tuple[str, ...] | None = None,
    weights: Mapping[str, tuple[int, ...]] = WEIGHTS,
) -> TensorStore:
    """Return a save of the two layers and their optimizer."""
    family = FAMILIES[name]
    found = [
        _tensor(owner, _ones(shape), Purpose.WEIGHT, owner) for owner, shape in weights.items()
    ]
    for owner in weights:
        for place, kind in enumerate(kinds_of(family) if kinds is None else kinds):
            found.append(slot_tensor(family, source, owner, kind, place))
    return saved(source, (*found, *scalars_of(family, source, steps)), family.title)


def saved(source: str, tensors: tuple[Tensor, ...], title: str) -> TensorStore:
    config = {"optimizer_config": {"class_name": title, "config": {"lr": 0.25}}}
    attributes = {"optimizer": title, "training_config": json.dumps(config)}
    is_file = source == "keras_file"
    return TensorStore(
        format="keras_h5" if is_file else "tensor_bundle",
        path="save",
        files=("save",),
        tensors=tensors,
        names_are_meaningful=True,
        order_is_meaningful=True,
        attributes=attributes if is_file else {},
    )


def slot_tensor(family: Family, source: str, owner: str, kind: str, place: int) -> Tensor:
    slot, title = slot_of(family, kind), family.title
    if source == "saver":
        word = family.saver_word + (f"_{place}" if place else "")
        names = (f"{owner}/{word}", word, f"{owner}/{word}")
    elif source == "before":
        key = f"model/{owner}/.OPTIMIZER_SLOT/optimizer/{slot.before}{VALUE}"
        names = (f"{title}/{owner}/{slot.before}", slot.before, key)
    elif source == "since":
        names = (f"{title}/{slot.since}/{owner}", slot.since, f"optimizer/_variables/7{VALUE}")
    elif source in ("keras_3", "own"):
        joined = f"{title.lower()}_2/{owner.replace('/', '_')}_{slot.keras_3}"
        path = f"optimizer/{owner}/{slot.keras_3}".replace("/", ".S")
        key = f"vars/{path}" if source == "own" else "optimizer/_variables/7"
        names = (joined, slot.keras_3, key + VALUE)
    else:
        names = (f"optimizer/{owner}/{slot.since}", slot.since, f"optimizer_weights/{owner}")
    name, word, key = names
    made = _tensor(name, value_of(owner, kind), Purpose.SLOT, key)
    return replace(made, slot=word, slot_of=owner)


def scalars_of(family: Family, source: str, steps: int) -> tuple[Tensor, ...]:
    count, rate = np.asarray(steps, "int64"), np.asarray(0.25, "float32")
    counter, hyper = Purpose.COUNTER, Purpose.HYPERPARAMETER
    if source == "saver":
        found = [_tensor("global_step", count, counter, "global_step")]
        found.append(_tensor("learning_rate", rate, hyper, "learning_rate"))
        if family.counts_steps:
            for number, beta in ((1, 0.9), (2, 0.999)):
                key = f"beta{number}_power"
                found.append(_tensor(key, power(beta, steps), hyper, key))
        return tuple(found)
    plain = ("iteration", "learning_rate")
    words = {"before": ("iter", "learning_rate"), "keras_file": plain, "own": plain}
    folder = "vars/optimizer.S" if source == "own" else "optimizer/"
    step, lr = words.get(source, ("_iterations", "_learning_rate"))
    found = [
        _tensor(f"optimizer/{step}", count, counter, f"{folder}{step}{VALUE}"),
        _tensor(f"optimizer/{lr}", rate, hyper, f"{folder}{lr}{VALUE}"),
    ]
    if family.products:
        word = {"before": "momentum_cache", "own": "variable"}.get(source, "_u_product")
        product = np.asarray(0.125, "float32")
        found.append(_tensor(f"optimizer/{word}", product, hyper, f"{folder}{word}{VALUE}"))
    return tuple(found)


def _ones(shape: tuple[int, ...]) -> Array:
    return np.ones(shape, "float32")


def _tensor(name: str, value: Array, purpose: Purpose, key: str) -> Tensor:
    return replace(tensor(name, value), purpose=purpose, origin=Origin(path="save", key=key))
