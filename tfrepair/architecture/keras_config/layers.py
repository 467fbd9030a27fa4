"""Layers and models of a configuration, checked and brought to the chosen Keras.

Walks models in models, wrappers and cells; each layer passes the rules of its era
(:mod:`~tfrepair.architecture.keras_config.keras_1`, ``keras_2``, ``keras_3``), then every setting
is checked. What comes out names known classes, custom ones of the user, and numbers; nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tfrepair.architecture.keras_config import keras_1, keras_2, keras_3, known
from tfrepair.architecture.keras_config.channels import in_graph, in_sequence
from tfrepair.architecture.keras_config.nodes import checked, is_reference, sources, to_keras_3
from tfrepair.architecture.keras_config.notes import Notes
from tfrepair.architecture.keras_config.objects import (
    activation,
    bare_name,
    converted,
    dtype_name,
    is_own,
    plain,
)
from tfrepair.architecture.keras_config.operations import operation
from tfrepair.architecture.keras_config.reading import Era
from tfrepair.tfhost.protocol import CUSTOM

MAX_CALLS = 200_000
"""Most layer calls of a model, with those of models inside; large real ones have thousands."""
_INNER = ("layer", "backward_layer", "forward_layer", "cell")
_OBJECTS = ("_initializer", "_regularizer", "_constraint")
_ACTIVATIONS = ("activation", "recurrent_activation")
_FILES = ("vocabulary", "idf_weights")
_MODELS_MODULE = {"Functional": "keras.src.models.functional", "Sequential": "keras"}
Layer = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a configuration is brought to.

    Attributes
    ----------
    keras
        2 (tf_keras) or 3.
    era
        Who wrote it.
    version
        ``keras_version`` of the file, or empty.
    """

    keras: int
    era: Era
    version: str = ""

    @property
    def moves(self) -> bool:
        """Whether a configuration from before Keras 3 goes to Keras 3."""
        return self.keras == 3 and self.era < Era.KERAS_3


def model(value: Mapping[str, Any], target: Target, notes: Notes) -> Layer:
    """Return a model's configuration as the chosen Keras reads it.

    Parameters
    ----------
    value
        ``{"class_name": "Sequential" or "Functional" or "Model", "config": ...}``.
    target, notes
        Where to, and what is told.

    Returns
    -------
    The same for the chosen Keras; of no use if anything was refused.
    """
    held = value.get("config")
    if isinstance(held, list):
        held = {"name": "sequential", "layers": held}  # Sequential up to Keras 2.2.2
    if not isinstance(held, dict) or not isinstance(held.get("layers"), list):
        notes.refuse(_name_of(value), f"{bare_name(value.get('class_name'))} without layers")
        return {}
    is_graph = "input_layers" in held or "output_layers" in held
    layers = [layer(entry, target, notes) for entry in held["layers"]]
    _require_unique(layers, notes)
    found = dict(held)
    if "dtype" in found:
        found["dtype"] = dtype_name(found["dtype"], notes, _name_of(value))
    found = {"name": "model", **{k: plain(v, notes, "") for k, v in found.items() if k != "layers"}}
    if is_graph:
        _graph(found, held["layers"], layers, target, notes)
    else:
        _sequence(found, layers, target, notes)
    name = "Functional" if is_graph else "Sequential"
    built: Layer = {"class_name": name, "config": found}
    if target.keras == 3:
        built |= {"module": _MODELS_MODULE[name], "registered_name": None}
    return built


def _sequence(found: Layer, layers: list[Layer], target: Target, notes: Notes) -> None:
    if target.era < Era.KERAS_3:
        layers = in_sequence(layers, notes)
    if target.moves and layers and layers[0]["class_name"] != "InputLayer":
        layers = [*_input_of(layers[0]), *layers]
    if target.moves:
        found.pop("build_input_shape", None)
        for held in layers:
            if isinstance(held["config"], dict) and held["class_name"] != "InputLayer":
                held["config"].pop("batch_input_shape", None)
    found["layers"] = layers


def _input_of(first: Layer) -> list[Layer]:
    """Make the InputLayer that Keras 3 wants of the shape that a first layer states."""
    settings = first["config"]
    shape = settings.get("batch_input_shape") if isinstance(settings, dict) else None
    if not isinstance(shape, list):
        return []
    name = f"{settings.get('name', 'first')}_input"
    dtype = settings.get("dtype")
    held: Layer = {"name": name, "batch_shape": shape}
    if first["class_name"] == "Embedding":
        dtype = "int32"
    if isinstance(dtype, str) and "mixed" not in dtype:
        held["dtype"] = dtype
    return [{"class_name": "InputLayer", "config": held, "module": "keras.layers",
             "registered_name": None}]  # fmt: skip


def _graph(found: Layer, raw: list[Any], layers: list[Layer], target: Target, notes: Notes) -> None:
    names = set()
    for entry, held in zip(raw, layers, strict=True):
        name = str(entry.get("name") or held["config"].get("name"))
        calls = entry.get("inbound_nodes")
        held["name"] = name
        held["inbound_nodes"] = checked(calls if isinstance(calls, list) else [], notes, name)
        names.add(name)
    outputs = found.get("output_layers")
    for held in layers:
        for source in set(sources(held["inbound_nodes"])) - names:
            notes.refuse(held["name"], f"it is called on {source!r}, and there is no such layer")
    for source in set(sources([found.get("input_layers"), outputs])) - names:
        notes.refuse("", f"inputs or outputs name the layer {source!r}, and there is none")
    if target.era < Era.KERAS_3:
        layers, outputs = in_graph(layers, outputs, notes)
    if target.moves:
        offsets = {held["name"]: _first_call(held) for held in layers}
        for held in layers:
            calls = held["inbound_nodes"]
            held["inbound_nodes"] = [to_keras_3(c, held["class_name"], offsets) for c in calls]
            if held["class_name"] != "InputLayer":
                held["config"].pop("batch_input_shape", None)
        outputs = _outputs(outputs, layers)
    found["layers"], found["output_layers"] = layers, outputs


def _first_call(held: Layer) -> int:
    """Return from which number Keras 2 counts the calls of a layer: 1 for a model with an input."""
    if held["class_name"] == "Functional":
        return 1
    if held["class_name"] != "Sequential":
        return 0
    first = held["config"]["layers"][:1]
    return int(bool(first) and first[0]["class_name"] == "InputLayer")


def _outputs(outputs: object, layers: list[Layer]) -> object:
    """Keras 3 counts the calls of a Sequential inside from 0; those of other models from 1."""
    offsets = {h["name"]: _first_call(h) for h in layers if h["class_name"] == "Sequential"}
    if is_reference(outputs) and isinstance(outputs, list):
        return [outputs[0], outputs[1] - offsets.get(outputs[0], 0), *outputs[2:]]
    if isinstance(outputs, list):
        return [_outputs(part, layers) for part in outputs]
    if isinstance(outputs, dict):
        return {key: _outputs(part, layers) for key, part in outputs.items()}
    return outputs


def _name_of(value: Mapping[str, Any]) -> str:
    settings = value.get("config")
    inner = settings.get("name") if isinstance(settings, dict) else ""
    return str(value.get("name") or inner or "")


def _require_unique(layers: list[Layer], notes: Notes) -> None:
    taken = set()
    for held in layers:
        settings = held["config"]
        name = settings.get("name") if isinstance(settings, dict) else None
        if name is not None and name in taken:
            notes.refuse(str(name), "two layers of one model have this name")
        taken.add(name)


def layer(value: object, target: Target, notes: Notes) -> Layer:
    """Return one layer, or a model inside, as the chosen Keras reads it."""
    if not isinstance(value, dict) or not isinstance(value.get("class_name"), str):
        notes.refuse("", f"a layer is not understood: {str(value)[:80]}")
        return _nothing("")
    class_name, name = bare_name(value["class_name"]), _name_of(value)
    settings = value.get("config", {})
    own = is_own(value)
    if class_name in known.CODE:
        notes.needs_code = notes.needs_code or class_name in ("Lambda", "__lambda__")
        notes.refuse(name, f"{class_name}: {known.CODE[class_name]}")
        return _nothing(name)
    if own and class_name in known.MODELS:
        return model(value, target, notes)
    if not isinstance(settings, dict):
        notes.refuse(name, f"the settings of {class_name} are {type(settings).__name__}, no object")
        return _nothing(name)
    if own:
        op = operation(class_name, value, settings, target.keras, notes)
        if op is not None:
            return op
    built = _built_in(class_name, settings, target, notes, name) if own else None
    return built or _custom(class_name, value, settings, target, notes)


def _nothing(name: str) -> Layer:
    return {"class_name": "Refused", "config": {"name": name}}


def _built_in(
    class_name: str, settings: Layer, target: Target, notes: Notes, name: str
) -> Layer | None:
    """Return a layer of Keras' own, or ``None`` for a class that no Keras has."""
    if target.era == Era.KERAS_1:
        class_name, settings = keras_1.upgraded(class_name, settings, notes, name)
    if target.era < Era.KERAS_3:
        if keras_2.has_old_resize(class_name, settings, target.version):
            notes.warn("changed-meaning", name, _OLD_RESIZE, "compare predictions")
        class_name, settings = keras_2.upgraded(class_name, settings, notes, name)
    if target.moves:
        class_name, settings = keras_3.upgraded(class_name, settings, notes, name)
    if class_name not in known.LAYERS[target.keras]:
        other = 5 - target.keras
        if class_name in known.LAYERS[other]:
            notes.refuse(name, f"{class_name} is a layer of Keras {other}: try --keras {other}")
            return _nothing(name)
        return None
    held = {key: _setting(key, part, target, notes, name) for key, part in settings.items()}
    if target.moves and held.get("trainable") is False:
        held |= {
            key: _frozen(part)
            for key, part in held.items()
            if key in _INNER and isinstance(part, dict)
        }
    built: Layer = {"class_name": class_name, "config": held}
    if target.keras == 3:
        built |= {"module": "keras.layers", "registered_name": None}
    return built


_OLD_RESIZE = (
    "bilinear upsampling of Keras 2.2 and 2.3 on TensorFlow 1 takes corners of pixels, today's "
    "takes their centers: outputs differ a little"
)


def _custom(class_name: str, value: Layer, settings: Layer, target: Target, notes: Notes) -> Layer:
    name = _name_of(value)
    _require_no_code(settings, notes, name)
    held = dict(settings)
    if "dtype" in held:
        held["dtype"] = dtype_name(held["dtype"], notes, name)
    key = notes.custom(class_name, name, "the class", value.get("module"))
    built: Layer = {"class_name": key if key.startswith(CUSTOM) else class_name, "config": held}
    if target.keras == 3:
        built |= {"module": None, "registered_name": key}
    return built


def _require_no_code(settings: object, notes: Notes, name: str) -> None:
    waiting = [settings]
    while waiting:
        held = waiting.pop()
        if isinstance(held, dict):
            inner = bare_name(held.get("class_name"))
            if inner in known.CODE:
                notes.refuse(name, f"it holds {inner}: {known.CODE[inner]}")
            waiting += held.values()
        elif isinstance(held, list):
            waiting += held


def _setting(key: str, value: object, target: Target, notes: Notes, name: str) -> object:
    if key in _INNER and isinstance(value, dict):
        return _inner(value, target, notes)
    if key == "cells" and isinstance(value, list):
        return [_inner(cell, target, notes) for cell in value]
    if key.endswith(_OBJECTS):
        return converted(key, value, target.keras, notes, name)
    if key in _ACTIVATIONS:
        if isinstance(value, dict) and bare_name(value.get("class_name")) in known.LAYERS[2]:
            return layer(value, target, notes)  # a layer may be an activation
        return activation(value, target.keras, target.era, notes, name)
    if key == "dtype":
        return dtype_name(value, notes, name)
    if key in _FILES and isinstance(value, str):
        notes.refuse(name, f"{key} is the path of a file, which is not opened: {value[:80]!r}")
    return plain(value, notes, name)


def _frozen(held: Layer) -> Layer:
    """Freeze what a frozen wrapper holds: Keras 3 asks the layer inside, others the wrapper."""
    if held["class_name"] == "Functional":
        return held
    settings = {**held["config"], "trainable": False}
    settings |= {
        key: _frozen(settings[key]) for key in _INNER if isinstance(settings.get(key), dict)
    }
    return {**held, "config": settings}


def _inner(value: object, target: Target, notes: Notes) -> Layer:
    """Return the layer or cell of a wrapper, which has no input shape of its own in Keras 3."""
    held = layer(value, target, notes)
    if target.moves and held["class_name"] not in known.MODELS:
        held["config"].pop("batch_input_shape", None)
    return held


def count_calls(held: Layer) -> int:
    """Return how many layer calls a model makes, with those of models inside, at each use."""
    settings = held["config"]
    if held["class_name"] not in ("Functional", "Sequential"):
        inner = settings.get("layer") if isinstance(settings, dict) else None
        return 1 + (count_calls(inner) if isinstance(inner, dict) else 0)
    return sum(
        count_calls(part) * max(len(part.get("inbound_nodes") or ()), 1)
        for part in settings["layers"]
    )
