"""Leaf words of tensor names and the roles they may stand for.

A word that is not here says nothing; a word with several roles is settled by the layer it is
matched with. Source: TF-Slim, tf.layers, Keras 1 to 3, Sonnet and the dict files of the public
Caffe and Theano conversions (measured on real files, see the format notes of each reader).
"""

from collections.abc import Mapping
from types import MappingProxyType

from tfrepair.core.architecture import Role

ROLE_WORDS: Mapping[str, frozenset[Role]] = MappingProxyType(
    {
        "kernel": frozenset({Role.KERNEL, Role.DEPTHWISE_KERNEL}),
        "weights": frozenset({Role.KERNEL, Role.DEPTHWISE_KERNEL, Role.EMBEDDINGS}),
        "weight": frozenset({Role.KERNEL, Role.DEPTHWISE_KERNEL, Role.EMBEDDINGS}),
        "w": frozenset({Role.KERNEL, Role.DEPTHWISE_KERNEL, Role.EMBEDDINGS}),
        "matrix": frozenset({Role.KERNEL}),
        "filter": frozenset({Role.KERNEL}),
        "filters": frozenset({Role.KERNEL}),
        "depthwisekernel": frozenset({Role.DEPTHWISE_KERNEL}),
        "depthwiseweights": frozenset({Role.DEPTHWISE_KERNEL}),
        "pointwisekernel": frozenset({Role.POINTWISE_KERNEL}),
        "pointwiseweights": frozenset({Role.POINTWISE_KERNEL}),
        "recurrentkernel": frozenset({Role.RECURRENT_KERNEL}),
        "u": frozenset({Role.RECURRENT_KERNEL}),
        "embeddings": frozenset({Role.EMBEDDINGS}),
        "embedding": frozenset({Role.EMBEDDINGS}),
        "bias": frozenset({Role.BIAS}),
        "biases": frozenset({Role.BIAS}),
        "b": frozenset({Role.BIAS}),
        "gamma": frozenset({Role.GAMMA}),
        "scale": frozenset({Role.GAMMA}),
        "beta": frozenset({Role.BETA}),
        "offset": frozenset({Role.BETA}),
        "movingmean": frozenset({Role.MOVING_MEAN}),
        "runningmean": frozenset({Role.MOVING_MEAN}),
        "movingvariance": frozenset({Role.MOVING_VARIANCE}),
        "movingvar": frozenset({Role.MOVING_VARIANCE}),
        "runningvariance": frozenset({Role.MOVING_VARIANCE}),
        "runningvar": frozenset({Role.MOVING_VARIANCE}),
        "mean": frozenset({Role.MEAN, Role.MOVING_MEAN}),
        "variance": frozenset({Role.VARIANCE, Role.MOVING_VARIANCE}),
        "var": frozenset({Role.VARIANCE, Role.MOVING_VARIANCE}),
        "count": frozenset({Role.COUNT}),
        "alpha": frozenset({Role.ALPHA}),
        "alphas": frozenset({Role.ALPHA}),
    }
)
"""Normalized leaf word (lower case, no separators) to the roles it may stand for."""
