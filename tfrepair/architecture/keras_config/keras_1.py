"""Layers of Keras 0.3 to 1.2 in the words of Keras 2.

Each class has a row: its new name, what its settings are called now, and functions for what a
renaming cannot say. Pure data in, pure data out. What has no equal in Keras 2 is refused.

Source: get_config of the layers in Keras 1.2.2 and keras/legacy/interfaces.py of Keras 2.2.4;
``tests/golden/keras/keras1``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tfrepair.architecture.keras_config.notes import Notes

Settings = dict[str, Any]
_Step = Callable[[Settings, "Notes", str], Settings]

_INITS = {
    "init": "kernel_initializer",
    "inner_init": "recurrent_initializer",
    "W_regularizer": "kernel_regularizer",
    "U_regularizer": "recurrent_regularizer",
    "b_regularizer": "bias_regularizer",
    "W_constraint": "kernel_constraint",
    "b_constraint": "bias_constraint",
    "bias": "use_bias",
}
_CONV = {
    **_INITS,
    "nb_filter": "filters",
    "filter_length": "kernel_size",
    "subsample": "strides",
    "subsample_length": "strides",
    "border_mode": "padding",
    "atrous_rate": "dilation_rate",
}
_RNN = {
    **_INITS,
    "output_dim": "units",
    "inner_activation": "recurrent_activation",
    "dropout_W": "dropout",
    "dropout_U": "recurrent_dropout",
}
_POOL = {
    "pool_length": "pool_size",
    "stride": "strides",
    "border_mode": "padding",
}
_INPUT = ("input_dim", "input_length")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """How one class of Keras 1 is called in Keras 2."""

    name: str
    renamed: Mapping[str, str]
    dropped: tuple[str, ...] = ()
    steps: tuple[_Step, ...] = ()


def data_format(settings: Settings, _notes: Notes, _layer: str) -> Settings:
    """``dim_ordering`` ``"th"`` and ``"tf"`` become ``data_format``."""
    held = dict(settings)
    order = held.pop("dim_ordering", None)
    if order in ("th", "tf"):
        held["data_format"] = "channels_first" if order == "th" else "channels_last"
    return held


def kernel_size(settings: Settings, _notes: Notes, _layer: str) -> Settings:
    """``nb_row`` and ``nb_col``, or ``kernel_dim1`` to ``kernel_dim3``, become ``kernel_size``."""
    held = dict(settings)
    for keys in (("nb_row", "nb_col"), ("kernel_dim1", "kernel_dim2", "kernel_dim3")):
        sizes = [held.pop(key, None) for key in keys]
        if None not in sizes:
            held["kernel_size"] = sizes
    return held


def forget_bias(settings: Settings, _notes: Notes, _layer: str) -> Settings:
    """``forget_bias_init`` becomes ``unit_forget_bias``; it only says where training begins."""
    held = dict(settings)
    if "forget_bias_init" in held:
        held["unit_forget_bias"] = held.pop("forget_bias_init") == "one"
    return held


def reset_before(settings: Settings, _notes: Notes, _layer: str) -> Settings:
    """Keras 1 resets the state of a GRU before the product with the recurrent kernel."""
    return {**settings, "reset_after": False}


def feature_wise(settings: Settings, notes: Notes, layer: str) -> Settings:
    """Only ``mode`` 0 of BatchNormalization, moving averages per feature, exists since Keras 2."""
    held = dict(settings)
    mode = held.pop("mode", 0)
    if mode != 0:
        notes.refuse(layer, f"BatchNormalization of Keras 1 in mode {mode}: no layer computes it")
    return held


def without_output_shape(settings: Settings, notes: Notes, layer: str) -> Settings:
    """Keras 2 computes ``output_shape`` of a transposed convolution from padding and strides."""
    held = dict(settings)
    stated = held.pop("output_shape", None)
    if stated is not None and held.get("subsample") not in (None, [1, 1]):
        notes.warn(
            "output-shape-computed",
            layer,
            f"the file states the output shape {stated}; it is computed now, and sizes between "
            "two multiples of the strides would differ",
            "compare the output's shape with the stated one",
        )
    return held


def embedding_dropout(settings: Settings, notes: Notes, layer: str) -> Settings:
    """Embedding loses its ``dropout``: it drops words in training, and no layer does so now."""
    held = dict(settings)
    rate = held.pop("dropout", 0)
    if rate:
        notes.warn(
            "changed-in-training",
            layer,
            f"dropout={rate} of an Embedding drops whole words in training; no layer does so now",
            "outputs are equal; put SpatialDropout1D behind it in a model.py to come close",
        )
    return held


def merged(settings: Settings, notes: Notes, layer: str) -> tuple[str, Settings]:
    """Merge becomes the layer of its ``mode``.

    Returns
    -------
    Class and settings.
    """
    mode = settings.get("mode")
    kept: Settings = {key: settings[key] for key in ("name", "trainable") if key in settings}
    if settings.get("layers"):
        notes.refuse(layer, "Merge as the first layer of a Sequential, with branches of its own")
    if mode in _MERGES:
        return _MERGES[mode], kept
    if mode == "concat":
        return "Concatenate", {**kept, "axis": settings.get("concat_axis", -1)}
    if mode == "dot":
        return "Dot", {**kept, "axes": settings.get("dot_axes", -1), "normalize": False}
    notes.refuse(layer, f"Merge with mode {mode!r}: no layer of Keras 2 computes it")
    return "Add", kept


_MERGES = {"sum": "Add", "mul": "Multiply", "ave": "Average", "max": "Maximum"}


def _row(
    name: str, renamed: Mapping[str, str], *steps: _Step, dropped: tuple[str, ...] = ()
) -> Row:
    return Row(name=name, renamed=renamed, dropped=dropped, steps=steps)


_RATE = {"p": "rate"}
_DENSE = {**_INITS, "output_dim": "units"}
_RNN_DROPPED = (*_INPUT, "consume_less")
_SEPARABLE = {**_CONV, "init": "depthwise_initializer"}
LAYERS: Mapping[str, Row] = {
    "Dense": _row("Dense", _DENSE, dropped=_INPUT),
    "TimeDistributedDense": _row("Dense", _DENSE, dropped=_INPUT),
    "Convolution1D": _row("Conv1D", _CONV, data_format, dropped=_INPUT),
    "AtrousConvolution1D": _row("Conv1D", _CONV, data_format, dropped=_INPUT),
    "Convolution2D": _row("Conv2D", _CONV, data_format, kernel_size),
    "AtrousConvolution2D": _row("Conv2D", _CONV, data_format, kernel_size),
    "AtrousConv2D": _row("Conv2D", _CONV, data_format, kernel_size),
    "Convolution3D": _row("Conv3D", _CONV, data_format, kernel_size),
    "Deconvolution2D": _row(
        "Conv2DTranspose", _CONV, data_format, kernel_size, without_output_shape
    ),
    "SeparableConvolution2D": _row("SeparableConv2D", _SEPARABLE, data_format, kernel_size),
    "LocallyConnected1D": _row("LocallyConnected1D", _CONV, data_format, dropped=_INPUT),
    "LocallyConnected2D": _row("LocallyConnected2D", _CONV, data_format, kernel_size),
    "MaxPooling1D": _row("MaxPooling1D", _POOL),
    "AveragePooling1D": _row("AveragePooling1D", _POOL),
    "GlobalMaxPooling1D": _row("GlobalMaxPooling1D", {}),
    "GlobalAveragePooling1D": _row("GlobalAveragePooling1D", {}),
    "UpSampling1D": _row("UpSampling1D", {"length": "size"}),
    "LSTM": _row("LSTM", _RNN, forget_bias, dropped=_RNN_DROPPED),
    "GRU": _row("GRU", _RNN, reset_before, dropped=_RNN_DROPPED),
    "SimpleRNN": _row("SimpleRNN", _RNN, dropped=_RNN_DROPPED),
    "ConvLSTM2D": _row(
        "ConvLSTM2D", {**_RNN, **_CONV}, data_format, kernel_size, forget_bias,
        dropped=(*_RNN_DROPPED, "output_dim"),
    ),
    "BatchNormalization": _row("BatchNormalization", {}, feature_wise),
    "Embedding": _row(
        "Embedding",
        {"init": "embeddings_initializer", "W_regularizer": "embeddings_regularizer",
         "W_constraint": "embeddings_constraint"},
        embedding_dropout,
    ),
    "Dropout": _row("Dropout", _RATE),
    "SpatialDropout1D": _row("SpatialDropout1D", _RATE),
    "SpatialDropout2D": _row("SpatialDropout2D", _RATE, data_format),
    "SpatialDropout3D": _row("SpatialDropout3D", _RATE, data_format),
    "GaussianDropout": _row("GaussianDropout", _RATE),
    "GaussianNoise": _row("GaussianNoise", {"sigma": "stddev"}),
    "PReLU": _row("PReLU", {"init": "alpha_initializer"}, dropped=("weights",)),
    "InputLayer": _row("InputLayer", {"input_dtype": "dtype"}),
    **{
        f"{name}{rank}": _row(f"{name}{rank}", _POOL, data_format)
        for name in ("MaxPooling", "AveragePooling", "GlobalMaxPooling", "GlobalAveragePooling",
                     "UpSampling", "ZeroPadding", "Cropping")
        for rank in ("2D", "3D")
    },
}  # fmt: skip
"""Classes whose settings changed; the others that Keras 2 knows kept theirs."""

GONE = frozenset({"MaxoutDense", "Highway", "SReLU", "ParametricSoftplus", "LambdaMerge",
                  "Siamese", "AutoEncoder", "Graph"})  # fmt: skip
"""Classes that Keras 2 has no equal of."""


def upgraded(class_name: str, settings: Settings, notes: Notes, layer: str) -> tuple[str, Settings]:
    """Return a layer of Keras 1 as one of Keras 2.

    Parameters
    ----------
    class_name, settings
        As the file has them.
    notes
        Told what has no equal.
    layer
        Name of the layer, for messages.

    Returns
    -------
    Class and settings; classes that kept their settings come back as they are.
    """
    if class_name in GONE:
        notes.refuse(layer, f"{class_name} of Keras 1: Keras 2 has no such layer")
        return class_name, settings
    if class_name == "Merge":
        name, held = merged(settings, notes, layer)
        notes.change("Merge of Keras 1 is the layer of its mode", layer)
        return name, held
    held = _with_dtype(settings)
    row = LAYERS.get(class_name)
    if row is None:
        return class_name, held
    for step in row.steps:
        held = step(held, notes, layer)
    held = {row.renamed.get(key, key): value for key, value in held.items()
            if key not in row.dropped}  # fmt: skip
    return row.name, {key: _object(key, value, notes, layer) for key, value in held.items()}


def _with_dtype(settings: Settings) -> Settings:
    """``input_dtype`` of a first layer is its ``dtype``."""
    held = dict(settings)
    if "input_dtype" in held:
        dtype = held.pop("input_dtype")
        held.setdefault("dtype", dtype)
    return held


def _object(key: str, value: object, notes: Notes, layer: str) -> object:
    """Regularizers and constraints state their class as ``name`` beside their numbers."""
    if not isinstance(value, dict) or "class_name" in value:
        return value
    name, rest = value.get("name"), {k: v for k, v in value.items() if k != "name"}
    if key.endswith("_regularizer"):
        if name not in ("WeightRegularizer", "ActivityRegularizer", "L1L2Regularizer"):
            notes.refuse(layer, f"regularizer {name} of Keras 1: no class of Keras 2 computes it")
        numbers = {k: rest.get(k) or 0.0 for k in ("l1", "l2")}
        return {"class_name": "L1L2", "config": numbers}
    if key.endswith("_constraint"):
        if "m" in rest:
            rest["max_value"] = rest.pop("m")
        return {"class_name": str(name), "config": rest}
    return value
