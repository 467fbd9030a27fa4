"""The networks of ``samples/`` once more, in NumPy alone: what a served output is compared with.

Shares nothing with the code under test: neither the architectures nor the readers nor
TensorFlow. Everything is computed in double precision, with images as ``(batch, rows, columns,
channels)``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Layers = Mapping[str, Mapping[str, Array]]
"""The content of ``det1.npy`` or ``det2.npy``: arrays by layer name and by kind."""


def convolve(images: Array, kernel: Array, bias: Array) -> Array:
    """Slide a kernel over images, without padding, one step at a time.

    Parameters
    ----------
    images
        ``(batch, rows, columns, in)``.
    kernel, bias
        ``(height, width, in, out)`` and ``(out,)``; not flipped, as neural networks have it.

    Returns
    -------
    ``(batch, rows - height + 1, columns - width + 1, out)``.
    """
    windows = np.lib.stride_tricks.sliding_window_view(images, kernel.shape[:2], axis=(1, 2))
    summed: Array = np.einsum("brcihw,hwio->brco", windows, kernel, optimize=True)
    return summed + bias


def max_pool(images: Array, size: int, stride: int, padding: str) -> Array:
    """Take the largest value of each window.

    Parameters
    ----------
    images
        ``(batch, rows, columns, channels)``.
    size, stride
        Of the square window.
    padding
        ``"valid"``: only whole windows. ``"same"``: ``ceil(length / stride)`` windows; what is
        missing is added on both sides, the odd row or column at the end, and never wins.
    """
    if padding == "same":
        around = [(0, 0), *(_margins(images.shape[axis], size, stride) for axis in (1, 2)), (0, 0)]
        images = np.pad(images, around, constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(images, (size, size), axis=(1, 2))
    largest: Array = windows[:, ::stride, ::stride].max(axis=(-2, -1))
    return largest


def _margins(length: int, size: int, stride: int) -> tuple[int, int]:
    count = -(-length // stride)
    missing = max((count - 1) * stride + size - length, 0)
    return missing // 2, missing - missing // 2


def prelu(values: Array, alpha: Array) -> Array:
    """Scale what is below zero by a slope for each channel (the last axis)."""
    return np.where(values > 0, values, values * alpha)


def softmax(values: Array) -> Array:
    """Turn scores along the last axis into probabilities."""
    shifted = np.exp(values - values.max(axis=-1, keepdims=True))
    probabilities: Array = shifted / shifted.sum(axis=-1, keepdims=True)
    return probabilities


def pnet(layers: Layers, images: Array) -> dict[str, Array]:
    """Evaluate P-Net on images of any size from 12 by 12 on."""
    x = _conv_prelu(layers, images.astype(np.float64), "conv1", "PReLU1")
    x = max_pool(x, size=2, stride=2, padding="same")
    x = _conv_prelu(layers, x, "conv2", "PReLU2")
    x = _conv_prelu(layers, x, "conv3", "PReLU3")
    return {
        "probability": softmax(convolve(x, *_weights(layers, "conv4-1"))),
        "box": convolve(x, *_weights(layers, "conv4-2")),
    }


def rnet(layers: Layers, images: Array) -> dict[str, Array]:
    """Evaluate R-Net on windows of 24 by 24."""
    x = _conv_prelu(layers, images.astype(np.float64), "conv1", "prelu1")
    x = max_pool(x, size=3, stride=2, padding="same")
    x = _conv_prelu(layers, x, "conv2", "prelu2")
    x = max_pool(x, size=3, stride=2, padding="valid")
    x = _conv_prelu(layers, x, "conv3", "prelu3")
    x = _dense(x.reshape(len(x), -1), *_weights(layers, "conv4"))
    x = prelu(x, layers["prelu4"]["alpha"])
    return {
        "probability": softmax(_dense(x, *_weights(layers, "conv5-1"))),
        "box": _dense(x, *_weights(layers, "conv5-2")),
    }


def seed_dense(weights: Sequence[Array], rows: Array) -> dict[str, Array]:
    """Evaluate Dense(128, relu)-Dense(1) on rows of ten numbers."""
    kernel_1, bias_1, kernel_2, bias_2 = weights
    hidden = np.maximum(_dense(rows.astype(np.float64), kernel_1, bias_1), 0)
    return {"output_0": _dense(hidden, kernel_2, bias_2)}


def _weights(layers: Layers, name: str) -> tuple[Array, Array]:
    return layers[name]["weights"], layers[name]["biases"]


def _conv_prelu(layers: Layers, images: Array, conv: str, slope: str) -> Array:
    return prelu(convolve(images, *_weights(layers, conv)), layers[slope]["alpha"])


def _dense(rows: Array, kernel: Array, bias: Array) -> Array:
    product: Array = rows @ kernel
    return product + bias
