"""How each system stores what a layer computes with, and the way from there to today's Keras.

Knows shapes and the leaf words of names, nothing of stores, plans or models. Every function takes
the parts of one layer on both sides and returns **all** routes that fit by shape, each with the
system that it stands for: whoever asks picks by what is known of the source, or reports a tie.
Used by planning; comes after :mod:`tfrepair.core.transform`. Pure.

>>> have = [Part(role="kernel", shape=(5, 8)), Part(role="bias", shape=(8,))]
>>> want = [Part(role="kernel", shape=(3, 8)), Part(role="recurrent_kernel", shape=(2, 8)),
...         Part(role="bias", shape=(8,))]
>>> [route.system for route in recurrent_routes(have, "LSTM", want)]
['tensorflow-1']
"""

from tfrepair.planning.layouts.attention import attention_routes
from tfrepair.planning.layouts.convolution import convolution_routes, depthwise_routes
from tfrepair.planning.layouts.dense import dense_routes
from tfrepair.planning.layouts.normalization import variance_routes
from tfrepair.planning.layouts.recurrent import bidirectional_routes, impossible, recurrent_routes
from tfrepair.planning.layouts.routes import Part, Piece, Route
from tfrepair.planning.layouts.slices import listed_routes, partition_routes, stacked_routes

__all__ = [
    "Part",
    "Piece",
    "Route",
    "attention_routes",
    "bidirectional_routes",
    "convolution_routes",
    "dense_routes",
    "depthwise_routes",
    "impossible",
    "listed_routes",
    "partition_routes",
    "recurrent_routes",
    "stacked_routes",
    "variance_routes",
]
