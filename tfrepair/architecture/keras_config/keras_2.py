"""Layers of Keras 2 and tf.keras, of any version, in the words of tf_keras 2.21.

Small: tf_keras reads nearly all that Keras 2 wrote. What is here are settings whose default has
changed since, classes that exist no more, and settings that some versions wrote and none reads.

Source: ``preprocess_weights_for_loading`` and the layers of Keras 2.0.8, 2.2.4 and tf_keras 2.21.
"""

from collections.abc import Callable, Mapping
from typing import Any

from tfrepair.architecture.keras_config.notes import Notes

Settings = dict[str, Any]
Step = Callable[[Settings, Notes, str], Settings]

RENAMED: Mapping[str, str] = {
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "SyncBatchNormalization": "BatchNormalization",
    "UnifiedLSTM": "LSTM",
    "UnifiedGRU": "GRU",
    "LSTMV1": "LSTM",
    "LSTMV2": "LSTM",
    "GRUV1": "GRU",
    "GRUV2": "GRU",
    "CuDNNLSTM": "LSTM",
    "CuDNNGRU": "GRU",
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "Convolution3D": "Conv3D",
    "Deconvolution2D": "Conv2DTranspose",
    "Convolution2DTranspose": "Conv2DTranspose",
    "SeparableConvolution2D": "SeparableConv2D",
    "AvgPool1D": "AveragePooling1D",
    "AvgPool2D": "AveragePooling2D",
    "AvgPool3D": "AveragePooling3D",
    "MaxPool1D": "MaxPooling1D",
    "MaxPool2D": "MaxPooling2D",
    "MaxPool3D": "MaxPooling3D",
    "GlobalAvgPool1D": "GlobalAveragePooling1D",
    "GlobalAvgPool2D": "GlobalAveragePooling2D",
    "GlobalMaxPool1D": "GlobalMaxPooling1D",
    "GlobalMaxPool2D": "GlobalMaxPooling2D",
}
"""Classes of other names, and aliases."""


def cudnn(settings: Settings, notes: Notes, layer: str) -> Settings:
    """CuDNN layers compute with fixed activations; plain ones need them said."""
    notes.change("CuDNN layers become plain ones, which compute the same on any device", layer)
    return {
        **settings,
        "activation": "tanh",
        "recurrent_activation": "sigmoid",
        "use_bias": True,
    }


def cudnn_gru(settings: Settings, notes: Notes, layer: str) -> Settings:
    """CuDNN resets the state of a GRU after the product with the recurrent kernel."""
    return {**cudnn(settings, notes, layer), "reset_after": True}


def reset_before(settings: Settings, notes: Notes, layer: str) -> Settings:
    """Before Keras 2.1.6 the setting did not exist and the state was reset before the product."""
    if "reset_after" in settings:
        return settings
    notes.change("GRU without reset_after resets before the product, as its writer did", layer)
    return {**settings, "reset_after": False}


def without_groups(settings: Settings, notes: Notes, layer: str) -> Settings:
    """Leave out ``groups``: 1 says nothing, and these layers do not take it."""
    held = dict(settings)
    groups = held.pop("groups", 1)
    if groups != 1:
        notes.refuse(layer, f"groups={groups}, which this class cannot compute")
    return held


def one_axis(settings: Settings, notes: Notes, layer: str) -> Settings:
    """Take the one axis out of tf.keras' list of axes."""
    axis = settings.get("axis")
    if not isinstance(axis, list):
        return settings
    if len(axis) != 1:
        notes.refuse(layer, f"BatchNormalization over the axes {axis}; only one is supported")
        return settings
    return {**settings, "axis": axis[0]}


STEPS: Mapping[str, tuple[Step, ...]] = {
    "CuDNNLSTM": (cudnn,),
    "CuDNNGRU": (cudnn_gru,),
    "GRU": (reset_before,),
    "GRUV1": (reset_before,),
    "GRUCell": (reset_before,),
    "DepthwiseConv1D": (without_groups,),
    "DepthwiseConv2D": (without_groups,),
    "SeparableConv1D": (without_groups,),
    "SeparableConv2D": (without_groups,),
    "Conv1DTranspose": (without_groups,),
    "Conv2DTranspose": (without_groups,),
    "Conv3DTranspose": (without_groups,),
    "BatchNormalization": (one_axis,),
    "BatchNormalizationV1": (one_axis,),
    "BatchNormalizationV2": (one_axis,),
    "SyncBatchNormalization": (one_axis,),
}
"""Functions by the class that the file names."""


def upgraded(class_name: str, settings: Settings, notes: Notes, layer: str) -> tuple[str, Settings]:
    """Return a layer of any Keras 2 as tf_keras 2.21 knows it: class and settings."""
    held = settings
    for step in STEPS.get(class_name, ()):
        held = step(held, notes, layer)
    return RENAMED.get(class_name, class_name), held


def has_old_resize(class_name: str, settings: Mapping[str, Any], version: str) -> bool:
    """Return whether bilinear upsampling may have meant other sampling points to its writer.

    Keras 2.2 and 2.3 on TensorFlow 1 call ``tf.image.resize_bilinear``, whose points are the
    pixels' corners; tf.keras takes their centers.
    """
    return (
        class_name == "UpSampling2D"
        and settings.get("interpolation") == "bilinear"
        and version.startswith(("2.2.", "2.3."))
        and not version.endswith("-tf")
    )
