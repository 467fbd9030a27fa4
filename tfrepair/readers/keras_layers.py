"""What a configuration says about each layer that its stored values depend on.

Class, order of the axes, epsilon, activations, and what a ``Flatten`` in front of a layer flattens:
facts for planning, which converts nothing that is not certain. Reads data only. Comes after
:mod:`tfrepair.readers.keras_config`. Pure.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from tfrepair.readers.keras_config import LayerConfig

_KEEPS_CHANNELS = frozenset({
    "Activation", "Dropout", "BatchNormalization", "MaxPooling2D", "AveragePooling2D",
    "MaxPooling3D", "AveragePooling3D", "ZeroPadding2D", "ZeroPadding3D", "UpSampling2D",
    "UpSampling3D", "Cropping2D", "Cropping3D", "SpatialDropout2D", "SpatialDropout3D",
    "GaussianNoise", "GaussianDropout", "LeakyReLU", "PReLU", "ELU", "ThresholdedReLU", "ReLU",
    "ActivityRegularization", "AlphaDropout",
})  # fmt: skip
_KEEPS_ROWS = frozenset({
    "Activation", "Dropout", "GaussianNoise", "GaussianDropout", "LeakyReLU", "ELU",
    "ThresholdedReLU", "ReLU", "ActivityRegularization", "AlphaDropout",
})  # fmt: skip
_MAX_STEPS = 10_000
_MOVED = -1
Sources = Mapping[str, list[str]]


def layer_facts(root: LayerConfig | None) -> str:
    """Return a JSON object: path of each layer, as weights are named, to what matters about it.

    Returns
    -------
    Keys of a layer, each only where it is known: ``class``, ``inner`` (class inside a wrapper),
    ``first`` (true if channels come first), ``epsilon``, ``hard_sigmoid`` (true if it has such an
    activation), ``channels`` (it stands behind a ``Flatten`` of that many channels, which come
    first; 0 if their number is not known, -1 if that ``Flatten`` itself moved them),
    ``even_same`` (true if it pads to the same size for a kernel of even length).
    ``""`` without a configuration.
    """
    if root is None or not root.is_model:
        return ""
    return json.dumps(dict(_model(root, "")), sort_keys=True)


def input_shape(root: LayerConfig | None) -> str:
    """Return the shapes of the inputs as JSON, without the axis of examples; ``""`` if unknown."""
    shapes = []
    for layer in _all(root):
        shape = layer.settings.get("batch_input_shape") or layer.settings.get("batch_shape")
        if isinstance(shape, list):
            shapes.append(shape[1:])
    return json.dumps(shapes) if shapes else ""


def _all(root: LayerConfig | None) -> Iterator[LayerConfig]:
    if root is not None:
        yield root
        for child in root.children:
            yield from _all(child)


def _model(model: LayerConfig, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    sources = _graph(model)
    layers = {child.name: child for child in model.children}
    for child in model.children:
        here = f"{path}/{child.name}" if path else child.name
        if child.is_model:
            yield from _model(child, here)
            continue
        facts = _facts(child)
        if child.class_name == "Dense":
            channels = _flattened(child.name, layers, sources)
            if channels is not None:
                facts["channels"] = channels
        yield here, facts


def _facts(layer: LayerConfig) -> dict[str, Any]:
    facts: dict[str, Any] = {"class": layer.class_name}
    inner = layer
    while inner.children and not inner.is_model:
        inner = inner.children[0]
        facts["inner"] = inner.class_name
    if _is_first(inner):
        facts["first"] = True
    if _pads_unevenly(inner):
        facts["even_same"] = True
    epsilon = inner.settings.get("epsilon")
    if isinstance(epsilon, float):
        facts["epsilon"] = epsilon
    if any(
        layer_.settings.get(key) == "hard_sigmoid"
        for layer_ in _all(layer)
        for key in ("activation", "recurrent_activation", "inner_activation")
    ):
        facts["hard_sigmoid"] = True
    return facts


def _pads_unevenly(layer: LayerConfig) -> bool:
    settings = layer.settings
    pads = layer.class_name.startswith("ConvLSTM")  # its recurrent kernel always does
    if not pads and "same" not in (settings.get("padding"), settings.get("border_mode")):
        return False
    sizes = settings.get("kernel_size")
    names = ("nb_row", "nb_col", "filter_length", "kernel_dim1", "kernel_dim2", "kernel_dim3")
    lengths = sizes if isinstance(sizes, list) else [settings.get(name) for name in names]
    return any(isinstance(length, int) and length % 2 == 0 for length in lengths)


def _is_first(layer: LayerConfig) -> bool:
    settings = layer.settings
    return settings.get("dim_ordering") == "th" or settings.get("data_format") == "channels_first"


def _graph(model: LayerConfig) -> Sources:
    """Return the layers that each layer takes its input from."""
    if not any("inbound_nodes" in child.placing for child in model.children):
        names = [child.name for child in model.children]
        return {name: [before] for before, name in pairwise(names)}
    return {
        child.name: sorted(set(_inbound(child.placing.get("inbound_nodes"))))
        for child in model.children
    }


def _inbound(value: object) -> Iterator[str]:
    """Yield names of layers from calls as Keras 1 and 2 write them; Keras 3 needs none of this."""
    if not isinstance(value, list):
        return
    for call in value:
        for origin in call if isinstance(call, list) else ():
            if isinstance(origin, list) and origin and isinstance(origin[0], str):
                yield origin[0]


def _flattened(name: str, layers: Mapping[str, LayerConfig], sources: Sources) -> int | None:
    """Return how many channels come first in what a layer's ``Flatten`` flattens.

    ``None`` if no such ``Flatten`` stands before it, 0 if the number is not known.
    """
    before = _walk(name, layers, sources, _KEEPS_ROWS)
    if before is None or before.class_name != "Flatten":
        return None
    image = _walk(before.name, layers, sources, _KEEPS_CHANNELS)
    if before.settings.get("data_format") == "channels_first":
        # Such a Flatten puts the first axis last before it flattens, whatever it is.
        return None if image is not None and _is_first(image) else _MOVED
    firsts = any(_is_first(layer) for layer in layers.values())
    if image is None:
        return 0 if firsts else None
    if image.class_name in ("InputLayer", "Flatten", "Dense", "Embedding"):
        return None if not firsts or image.class_name != "InputLayer" else 0
    if not _is_first(image):
        return 0 if firsts and not _is_last(image) else None
    count = image.settings.get("nb_filter", image.settings.get("filters"))
    return count if isinstance(count, int) and count > 0 else 0


def _is_last(layer: LayerConfig) -> bool:
    settings = layer.settings
    return settings.get("dim_ordering") == "tf" or settings.get("data_format") == "channels_last"


def _walk(
    name: str, layers: Mapping[str, LayerConfig], sources: Sources, through: frozenset[str]
) -> LayerConfig | None:
    """Return the layer that an input comes from, behind those that change nothing of interest."""
    for _ in range(_MAX_STEPS):
        origins = sources.get(name, [])
        if len(origins) != 1 or origins[0] not in layers:
            return None
        layer = layers[origins[0]]
        if layer.class_name not in through:
            return layer
        name = layer.name
    return None
