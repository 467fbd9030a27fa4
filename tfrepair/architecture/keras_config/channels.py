"""Layers with channels first, computed with channels last between two permutations.

TensorFlow has no convolution with channels first on a CPU, where a SavedModel may be served and is
checked. ``Permute``, the layer, ``Permute`` computes the same numbers from the same weights (Keras
2 and later keep kernels in one layout whatever ``data_format`` says), and inputs and outputs of
the model stay as they are.
"""

from typing import Any

from tfrepair.architecture.keras_config.nodes import renamed
from tfrepair.architecture.keras_config.notes import Notes

_DIMS = {"1D": 1, "2D": 2, "3D": 3}
_NAMES = ("Conv", "DepthwiseConv", "SeparableConv", "MaxPooling", "AveragePooling",
          "LocallyConnected")  # fmt: skip
_RANKS = {
    **{f"{name}{rank}": dims for name in _NAMES for rank, dims in _DIMS.items()},
    **{f"Conv{rank}Transpose": dims for rank, dims in _DIMS.items()},
}
_INPUT = ("batch_input_shape", "dtype")
Layer = dict[str, Any]


def spatial_rank(layer: Layer) -> tuple[int, bool]:
    """Return how many spatial axes a layer with channels first has, and whether time precedes.

    Returns
    -------
    0 for every layer that TensorFlow computes as it is.
    """
    name, settings = layer["class_name"], layer["config"]
    if name == "TimeDistributed" and isinstance(settings.get("layer"), dict):
        rank, _ = spatial_rank(settings["layer"])
        return rank, True
    if not isinstance(settings, dict) or settings.get("data_format") != "channels_first":
        return 0, False
    return _RANKS.get(name, 0), False


def _permute(name: str, axes: list[int]) -> Layer:
    return {"class_name": "Permute", "config": {"name": name, "dims": axes}, "name": name}


def _pair(layer: Layer, rank: int, *, has_time: bool) -> tuple[Layer, Layer, Layer]:
    """Return a layer with channels last, and the permutations before and behind it."""
    first = 2 if has_time else 1
    spatial = list(range(first + 1, first + 1 + rank))
    lead = [1] if has_time else []
    name = layer["config"]["name"]
    before = _permute(f"{name}_channels_last", [*lead, *spatial, first])
    behind = _permute(f"{name}_channels_first", [*lead, first + rank, *range(first, first + rank)])
    return before, _with_last(layer), behind


def _with_last(layer: Layer) -> Layer:
    settings = dict(layer["config"])
    if layer["class_name"] == "TimeDistributed":
        settings["layer"] = _with_last(settings["layer"])
    else:
        settings["data_format"] = "channels_last"
    return {**layer, "config": settings}


def in_sequence(layers: list[Layer], notes: Notes) -> list[Layer]:
    """Put permutations around the layers of a Sequential that need them."""
    found: list[Layer] = []
    for layer in layers:
        rank, has_time = spatial_rank(layer)
        if not rank:
            found.append(layer)
            continue
        notes.change(_RULE, layer["config"]["name"])
        before, middle, behind = _pair(layer, rank, has_time=has_time)
        for key in _INPUT:
            if not found and key in middle["config"]:
                before["config"][key] = middle["config"][key]
        middle["config"].pop("batch_input_shape", None)
        found += [before, middle, behind]
    return found


def in_graph(layers: list[Layer], outputs: object, notes: Notes) -> tuple[list[Layer], object]:
    """Put permutations around the layers of a functional model that need them.

    Parameters
    ----------
    layers
        With calls as Keras 1 and 2 write them.
    outputs
        ``output_layers``.

    Returns
    -------
    Layers and outputs, whose references follow.
    """
    names: dict[str, str] = {}
    found: list[Layer] = []
    for layer in layers:
        rank, has_time = spatial_rank(layer)
        if not rank:
            found.append(layer)
            continue
        notes.change(_RULE, layer["name"])
        before, middle, behind = _pair(layer, rank, has_time=has_time)
        middle["config"].pop("batch_input_shape", None)
        calls = range(len(layer["inbound_nodes"]))
        before["inbound_nodes"] = layer["inbound_nodes"]
        middle["inbound_nodes"] = [[[before["name"], call, 0, {}]] for call in calls]
        behind["inbound_nodes"] = [[[layer["name"], call, 0, {}]] for call in calls]
        names[layer["name"]] = behind["name"]
        found += [before, middle, behind]
    own = set(names) | set(names.values())
    for layer in found:
        if layer["name"] not in own:
            layer["inbound_nodes"] = renamed(layer["inbound_nodes"], names)
    for layer in found:
        if layer["name"].endswith("_channels_last"):
            layer["inbound_nodes"] = renamed(layer["inbound_nodes"], names)
    return found, renamed(outputs, names)


_RULE = "channels first are computed as channels last between two permutations"
