"""What the numbered variables of a layer are called, by class: ``0`` and ``1`` of a ``Dense``.

The ``.weights.h5`` layout stores numbers in place of names. A table with the variables of Keras'
own layers in the order in which they make them; a layer that is not in it, or has another number
of variables, keeps its numbers. Pure data.

Source: ``Layer.build`` of Keras 3.15 and tf_keras 2.21; ``tests/golden/keras``.
"""

from collections.abc import Callable, Mapping
from typing import Any

from tfrepair.readers.keras_config import LayerConfig

Settings = Mapping[str, Any]


def _kernel(settings: Settings) -> tuple[str, ...]:
    return ("kernel", "bias") if settings.get("use_bias", True) else ("kernel",)


def _separable(settings: Settings) -> tuple[str, ...]:
    bias = ("bias",) if settings.get("use_bias", True) else ()
    return ("depthwise_kernel", "pointwise_kernel", *bias)


def _einsum(settings: Settings) -> tuple[str, ...]:
    return ("kernel", "bias") if settings.get("bias_axes") else ("kernel",)


def _cell(settings: Settings) -> tuple[str, ...]:
    bias = ("bias",) if settings.get("use_bias", True) else ()
    return ("kernel", "recurrent_kernel", *bias)


def _scaled(settings: Settings) -> tuple[str, ...]:
    words = (("gamma", "scale"), ("beta", "center"))
    return tuple(word for word, flag in words if settings.get(flag, True))


def _batch(settings: Settings) -> tuple[str, ...]:
    return (*_scaled(settings), "moving_mean", "moving_variance")


_TABLE: Mapping[str, Callable[[Settings], tuple[str, ...]]] = {
    **dict.fromkeys(
        ("Dense", "Conv1D", "Conv2D", "Conv3D", "Conv1DTranspose", "Conv2DTranspose",
         "Conv3DTranspose", "DepthwiseConv1D", "DepthwiseConv2D"), _kernel
    ),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D"), _separable),
    **dict.fromkeys(("SimpleRNNCell", "GRUCell", "LSTMCell", "ConvLSTMCell"), _cell),
    **dict.fromkeys(("LayerNormalization", "GroupNormalization"), _scaled),
    "BatchNormalization": _batch,
    "EinsumDense": _einsum,
    "Embedding": lambda _: ("embeddings",),
    "PReLU": lambda _: ("alpha",),
}  # fmt: skip

CELLS: Mapping[str, str] = {
    "LSTM": "LSTMCell",
    "GRU": "GRUCell",
    "SimpleRNN": "SimpleRNNCell",
    "ConvLSTM1D": "ConvLSTMCell",
    "ConvLSTM2D": "ConvLSTMCell",
    "ConvLSTM3D": "ConvLSTMCell",
}
"""Recurrent layers by class, and the class of the cell that owns their variables."""


def variable_names(layer: LayerConfig | None, count: int) -> tuple[str, ...]:
    """Return the names of a layer's own variables.

    Parameters
    ----------
    layer
        The layer, if it is known.
    count
        How many variables the file has.

    Returns
    -------
    ``count`` names: from the table if they fit, else ``"0"``, ``"1"``, ...
    """
    known = _TABLE.get(layer.class_name) if layer is not None else None
    names = known(layer.settings) if known is not None and layer is not None else ()
    return names if len(names) == count else tuple(str(place) for place in range(count))
