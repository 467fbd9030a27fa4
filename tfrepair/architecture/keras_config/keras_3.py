"""Layers of tf_keras 2.21 in the words of Keras 3.

Comes after :mod:`tfrepair.architecture.keras_config.keras_2`. Settings that Keras 3 dropped are
left out where they are at their default and refused where they are not, since the layer would
compute something else.

Source: the layers of tf_keras 2.21 and Keras 3.15.
"""

from collections.abc import Callable, Mapping
from typing import Any

from tfrepair.architecture.keras_config.notes import Notes

Settings = dict[str, Any]
Step = Callable[[Settings, Notes, str], Settings]

_IDLE: Mapping[str, tuple[object, ...]] = {
    "time_major": (False, None),
    "causal": (False, None),
    "renorm": (False, None),
    "groups": (1, None),
    "ragged": (False, None),
    "virtual_batch_size": (None,),
    "softmax_robust_masking": (False, None),
}
_NEVER_MATTERS = (
    "implementation",
    "input_length",
    "input_spec",
    "experimental_autocast",
    "rng_type",
)
_SHAPES = ("query_shape", "key_shape", "value_shape")


def input_shape(settings: Settings, _notes: Notes, _layer: str) -> Settings:
    """``batch_input_shape`` of an InputLayer is its ``batch_shape``."""
    held = dict(settings)
    if "batch_input_shape" in held:
        held["batch_shape"] = held.pop("batch_input_shape")
    held.pop("type_spec", None)
    return held


def negative_slope(settings: Settings, _notes: Notes, _layer: str) -> Settings:
    """``alpha`` of LeakyReLU is ``negative_slope``."""
    held = dict(settings)
    if "alpha" in held:
        held["negative_slope"] = held.pop("alpha")
    return held


def threshold(settings: Settings, _notes: Notes, _layer: str) -> Settings:
    """ThresholdedReLU is ReLU with a ``threshold``."""
    held = dict(settings)
    held["threshold"] = held.pop("theta", 1.0)
    return held


def without_kernel(settings: Settings, _notes: Notes, _layer: str) -> Settings:
    """Separable layers state what Conv states of its kernel, which they do not have."""
    return {key: value for key, value in settings.items() if not key.startswith("kernel_init")
            and key not in ("kernel_regularizer", "kernel_constraint")}  # fmt: skip


def without_shapes(settings: Settings, _notes: Notes, _layer: str) -> Settings:
    """Attention of tf.keras states the shapes that it was built with."""
    return {key: value for key, value in settings.items() if key not in _SHAPES}


def without_flags(settings: Settings, _notes: Notes, _layer: str) -> Settings:
    """Layers without weights do not all take ``trainable``; two keys only restate others."""
    return {key: value for key, value in settings.items() if key not in _RESTATED}


_RESTATED = ("trainable", "noise_shape", "vocabulary_size")
RENAMED: Mapping[str, str] = {"ThresholdedReLU": "ReLU"}
STEPS: Mapping[str, tuple[Step, ...]] = {
    "InputLayer": (input_shape,),
    "LeakyReLU": (negative_slope,),
    "ThresholdedReLU": (threshold,),
    "SeparableConv1D": (without_kernel,),
    "SeparableConv2D": (without_kernel,),
    "DepthwiseConv1D": (without_kernel,),
    "DepthwiseConv2D": (without_kernel,),
    "MultiHeadAttention": (without_shapes,),
    "SpatialDropout1D": (without_flags,),
    "SpatialDropout2D": (without_flags,),
    "SpatialDropout3D": (without_flags,),
    "Discretization": (without_flags,),
    "IntegerLookup": (without_flags,),
    "StringLookup": (without_flags,),
    "TextVectorization": (without_flags,),
}
_GROUPED = ("Conv1D", "Conv2D", "Conv3D")


def upgraded(class_name: str, settings: Settings, notes: Notes, layer: str) -> tuple[str, Settings]:
    """Return a layer of tf_keras as Keras 3 knows it: class and settings."""
    held = settings
    for step in STEPS.get(class_name, ()):
        held = step(held, notes, layer)
    kept = {}
    for key, value in held.items():
        if key in _NEVER_MATTERS:
            continue
        if key in _IDLE and not _is_taken(class_name, key):
            if value not in _IDLE[key]:
                notes.refuse(layer, f"{key}={value!r}, which Keras 3 has not; try --keras 2")
            continue
        kept[key] = value
    return RENAMED.get(class_name, class_name), kept


def _is_taken(class_name: str, key: str) -> bool:
    if key == "groups":
        return class_name in (*_GROUPED, "GroupNormalization")
    return key == "ragged" and class_name in ("InputLayer", "CategoryEncoding")
