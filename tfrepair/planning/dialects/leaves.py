"""What the last words of a tensor's name say about its part in a layer, for the engine.

Phrases in lower case with ``_`` between the words, to the roles that they may stand for. A phrase
that is not here says nothing. Source: as for :mod:`tfrepair.planning.dialects.words`.
"""

from collections.abc import Mapping
from types import MappingProxyType

KERNEL, DEPTHWISE, RECURRENT, TABLE, BIAS, GAMMA, BETA, MEAN, VARIANCE, ALPHA = "KDRTBGEMVA"
"""One letter for each role that the engine tells apart; a pointwise kernel is a kernel."""

LEAVES: Mapping[str, str] = MappingProxyType(
    {
        "kernel": "KD",
        "kernels": "KD",
        "weight": "KDTG",
        "weights": "KDTG",
        "w": "KDTG",
        "matrix": "K",
        "w_t": "KDT",
        "weights_t": "KDT",
        "filter": "KD",
        "filters": "KD",
        "depthwise_kernel": "D",
        "depthwise_weights": "D",
        "depthwise_filter": "D",
        "pointwise_kernel": "K",
        "pointwise_weights": "K",
        "pointwise_filter": "K",
        "recurrent_kernel": "R",
        "u": "R",
        "embeddings": "T",
        "embedding": "T",
        "embedding_weights": "T",
        "embedding_table": "T",
        "embedding_matrix": "T",
        "embedding_lookup": "T",
        "lookup_table": "T",
        "word_embeddings": "T",
        "position_embeddings": "T",
        "token_type_embeddings": "T",
        "bias": "BE",
        "biases": "BE",
        "b": "BE",
        "bias_weights": "B",
        "relative_attention_bias": "T",
        "wd": "K",
        "bd": "B",
        "gamma": "G",
        "scale": "G",
        "g": "G",
        "beta": "E",
        "offset": "E",
        "shift": "E",
        "moving_mean": "M",
        "running_mean": "M",
        "pop_mean": "M",
        "mean": "M",
        "moving_variance": "V",
        "moving_var": "V",
        "running_variance": "V",
        "running_var": "V",
        "running_std": "V",
        "pop_var": "V",
        "pop_variance": "V",
        "variance": "V",
        "var": "V",
        "alpha": "A",
        "alphas": "A",
    }
)

GLUED: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        letter + word: (role, word)
        for letter, role in (("w", "K"), ("b", "B"))
        for word in ("q", "k", "v", "o")
    }
)
"""Leaves in which the role is glued to what the layer is called: ``Wq``, ``bo``."""
