"""The optimizer of a Keras file: its class, its list, and the order of the weights it trained.

Gathers from the file what :mod:`tfrepair.readers.keras_slots` needs to name slots. An order that
the file does not settle is not made up: then there is none, and the slots stay ties. Pure.

Source: ``_collected_trainable_weights`` in Keras 1.2.2, 2.0.0 to 2.1.0 and 2.2.4;
``tests/golden/keras``.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from tfrepair.core.tensor import Purpose
from tfrepair.readers.keras_config import LayerConfig, is_frozen
from tfrepair.readers.keras_slot_layouts import Era
from tfrepair.readers.keras_slots import ListEntry, Optimizer, is_named
from tfrepair.readers.keras_weights import KerasWeight

_NEVER_TRAINED = re.compile(r"(?:moving|running)_(?:mean|variance|std)$")
_STATISTICS = re.compile(r"(?:^|/)batch_normalization(?:_\d+)?/vars/(\d+)$")
_CONTAINERS = frozenset({"layers", "_layer_checkpoint_dependencies"})
_PARTS: Mapping[str, int] = {
    "forward_layer": 0, "backward_layer": 1,
    "query_dense": 0, "key_dense": 1, "value_dense": 2, "output_dense": 3,
    "cell": 0, "layer": 0,
}  # fmt: skip
"""Parts of layers, in the order in which the layer makes them; files list them by the alphabet."""
_SORTED_UNTIL = (2, 0, 4)
_LISTED_FROM = (2, 0, 6)


def optimizer_config(training: object) -> tuple[str, Mapping[str, Any] | None]:
    """Return class and settings from a ``training_config`` or ``compile_config``."""
    if not isinstance(training, dict):
        return "", None
    held = training.get("optimizer_config", training.get("optimizer"))
    if isinstance(held, str):
        return held, None
    if not isinstance(held, dict) or not isinstance(held.get("class_name"), str):
        return "", None
    settings = held.get("config")
    name = re.split(r"[>.]", held["class_name"])[-1]
    return name, settings if isinstance(settings, dict) else None


def listed_optimizer(entries: Sequence[ListEntry], training: object, version: str) -> Optimizer:
    """Return what a file with lists of names says about its optimizer."""
    name, settings = optimizer_config(training)
    if version.startswith("3"):
        return Optimizer(name=name, settings=settings, era=Era.KERAS_3)
    era = None if is_named(entries) else Era.STANDALONE
    return Optimizer(name=name, settings=settings, era=era)


def numbered_optimizer(
    entries: Sequence[ListEntry], training: object, version: str, stored_name: str
) -> Optimizer:
    """Return what a file with paths says about its optimizer.

    Parameters
    ----------
    entries
        Its list.
    training
        The ``compile_config``, if there is one.
    version
        Of Keras, if it is known.
    stored_name
        Name that Keras 3.6 and later store beside the list.
    """
    name, settings = optimizer_config(training)
    has_rate = len(entries) > 1 and entries[0].shape == () == entries[1].shape
    is_3 = bool(stored_name) or version.startswith("3") or has_rate
    return Optimizer(
        name=name or stored_name,
        settings=settings,
        era=Era.KERAS_3 if is_3 else Era.TF_KERAS,
    )


def listed_orders(
    weights: Sequence[KerasWeight], root: LayerConfig | None, version: str, era: Era | None
) -> list[list[KerasWeight]]:
    """Return the orders in which an optimizer may have listed the weights of such a file.

    Keras 1 and Keras 2 up to 2.0.4 sort by name, 2.0.6 and later keep the model's order. Some of
    them train the layer inside of a wrapper that is frozen: a list of more weights, so that the
    number of slots tells.
    """
    trained = [weight for weight in weights if _is_trained(weight, root)]
    if era is not Era.STANDALONE:
        return [trained]
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:3])
    inside = [weight for weight in weights if _is_trained(weight, _thawed(root))]
    orders = []
    for held in (trained, inside) if len(inside) > len(trained) else (trained,):
        by_name = sorted(held, key=lambda weight: weight.raw)
        if numbers <= _SORTED_UNTIL:
            orders += [by_name]
        else:
            orders += [held] if numbers >= _LISTED_FROM else [held, by_name]
    return orders


def _thawed(layer: LayerConfig | None) -> LayerConfig | None:
    """Return a configuration in which wrappers do not freeze what they wrap."""
    if layer is None or not layer.children:
        return layer
    children = tuple(thawed for child in layer.children if (thawed := _thawed(child)))
    return replace(layer, children=children, is_trainable=layer.is_trainable or not layer.is_model)


def path_orders(
    weights: Sequence[KerasWeight], root: LayerConfig | None
) -> list[list[KerasWeight]]:
    """Return the orders in which an optimizer may have listed the weights of a file with paths.

    Returns
    -------
    One order; none if the way to a weight leads through attributes of a class that is not known,
    or belongs to the model itself: then creation order and the order of the file may differ.
    """
    candidates = [weight for weight in weights if weight.purpose is Purpose.WEIGHT]
    is_configured = root is not None and all(_is_in(root, weight) for weight in candidates)
    has_places = all(weight.dataset.offset is not None for weight in candidates)
    if not (is_configured or has_places) or not all(map(_is_plain, candidates)):
        return []
    trained = [w for w in candidates if _is_trained(w, root) and not _is_statistic(w, root)]
    first: dict[tuple[str, ...], int] = {}
    ranks = {}
    for place, weight in enumerate(trained):
        ranks[weight.raw] = (*_rank(weight, first, place), place)
    return [sorted(trained, key=lambda weight: ranks[weight.raw])]


def _is_trained(weight: KerasWeight, root: LayerConfig | None) -> bool:
    leaf = re.sub(r":\d+$", "", weight.raw.rpartition("/")[2])
    name = weight.name.rpartition("/")[2]
    if weight.purpose is not Purpose.WEIGHT:
        return False
    if _NEVER_TRAINED.search(leaf) or _NEVER_TRAINED.search(name):
        return False
    return not is_frozen(root, weight.layer, weight.inside)


def _is_statistic(weight: KerasWeight, root: LayerConfig | None) -> bool:
    """Return whether a numbered variable of batch normalization is one of its last two of four.

    Only where there is no configuration, which gives names; a wrong class shows in the count.
    """
    match = _STATISTICS.search(weight.raw)
    return root is None and match is not None and int(match[1]) >= 2


def _is_in(root: LayerConfig, weight: KerasWeight) -> bool:
    return root.child(weight.layer) is not None


def _is_plain(weight: KerasWeight) -> bool:
    """Return whether a path leads through lists of layers and known parts of layers only."""
    *parts, _, _ = weight.raw.split("/")
    if not parts:
        return False
    while len(parts) > 1 and parts[0] in _CONTAINERS:
        parts = parts[2:]
    return all(part in _PARTS for part in parts)


def _rank(weight: KerasWeight, first: dict[tuple[str, ...], int], place: int) -> tuple[int, int]:
    """Return where the layer of a weight begins, and the rank of the weight's part in it."""
    parts = weight.raw.split("/")
    at = next((n for n, part in enumerate(parts) if part in _PARTS), None)
    if at is None:
        return place, 0
    begin = first.setdefault(tuple(parts[:at]), place)
    return begin, _PARTS[parts[at]]
