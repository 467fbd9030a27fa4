"""Keras layers as lists of variables, and the names that each generation of Keras gives them.

A `Layer` knows the class, the leaf names of Keras 2 and 3, the shapes and what is trained. The
families put layers together, call `numbered` and add them to a case. Source: ``keras/layers`` of
Keras 1.2.2, 2.2.4 and 3 (public repository keras-team/keras).
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from scripts.mapping_cases.case import Case

KERAS1 = {
    "Conv2D": "convolution2d",
    "Conv1D": "convolution1d",
    "Conv2DTranspose": "deconvolution2d",
    "SeparableConv2D": "separableconvolution2d",
    "BatchNormalization": "batchnormalization",
    "PReLU": "prelu",
}
KERAS2 = {"PReLU": "p_re_lu", "LSTM": "lstm", "GRU": "gru", "CuDNNLSTM": "cu_dnnlstm"}
"""Auto-generated layer names that are not the plain snake case of the class."""

KERAS1_LEAVES = {"kernel": "W", "bias": "b", "moving_mean": "running_mean"}
KERAS1_LEAVES |= {"moving_variance": "running_std", "embeddings": "W", "alpha": "alphas"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One variable of a layer: its path below the layer, its shape and whether it is trained."""

    leaf: str
    shape: tuple[int, ...]
    trainable: bool = True
    layer_class: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer; an empty name is filled in by `numbered`."""

    kind: str
    variables: tuple[Variable, ...]
    name: str = ""


def _variables(*rows: tuple[str, tuple[int, ...]]) -> tuple[Variable, ...]:
    return tuple(Variable(leaf=leaf, shape=shape) for leaf, shape in rows)


def conv(*shape: int, bias: bool = True, kind: str = "Conv2D", name: str = "") -> Layer:
    """Return a convolution with this kernel: ``(h, w, in, out)`` or ``(w, in, out)``."""
    out = shape[-2] if kind.endswith("Transpose") else shape[-1]
    rows = [("kernel", tuple(shape))] + ([("bias", (out,))] if bias else [])
    return Layer(kind=kind, variables=_variables(*rows), name=name)


def dense(inputs: int, units: int, *, bias: bool = True, name: str = "") -> Layer:
    """Return a dense layer."""
    return conv(inputs, units, bias=bias, kind="Dense", name=name)


def embedding(rows: int, columns: int, *, name: str = "") -> Layer:
    """Return an embedding."""
    variables = _variables(("embeddings", (rows, columns)))
    return Layer(kind="Embedding", variables=variables, name=name)


def norm(n: int, *, scale: bool = True, center: bool = True, name: str = "") -> Layer:
    """Return a batch normalization of ``n`` channels."""
    rows = [("gamma", True)] * scale + [("beta", True)] * center
    rows += [("moving_mean", False), ("moving_variance", False)]
    variables = tuple(Variable(leaf=leaf, shape=(n,), trainable=t) for leaf, t in rows)
    return Layer(kind="BatchNormalization", variables=variables, name=name)


def recurrent(kind: str, inputs: int, units: int, *, prefix: str = "", name: str = "") -> Layer:
    """Return an LSTM or a GRU (``reset_after`` is off) with the path of its Keras 3 cell."""
    gates = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}[kind]
    cell = {"LSTM": "lstm_cell", "GRU": "gru_cell", "SimpleRNN": "simple_rnn_cell"}[kind]
    shapes = {"kernel": (inputs, gates * units), "recurrent_kernel": (units, gates * units)}
    shapes |= {"bias": (gates * units,)}
    variables = tuple(
        Variable(leaf=f"{prefix}{cell}/{leaf}", shape=shape, layer_class=f"{kind}Cell")
        for leaf, shape in shapes.items()
    )
    return Layer(kind=kind, variables=variables, name=name)


def bidirectional(kind: str, inputs: int, units: int, *, name: str = "") -> Layer:
    """Return both directions of a recurrent layer, forward first."""
    halves = [
        recurrent(kind, inputs, units, prefix=f"{way}_{kind.lower()}/").variables
        for way in ("forward", "backward")
    ]
    return Layer(kind="Bidirectional", variables=halves[0] + halves[1], name=name)


def snake(kind: str) -> str:
    """Return a class name in the snake case of Keras 2 and 3."""
    step = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", kind)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", step).lower()


def numbered(
    layers: Iterable[Layer],
    *,
    first: int = 0,
    words: Mapping[str, str] | None = None,
    prefix: str = "",
) -> list[Layer]:
    """Name the layers that have no name: class and number, from ``first`` on; 0 is not written."""
    seen: Counter[str] = Counter()
    named = []
    for layer in layers:
        word = (words or {}).get(layer.kind) or snake(layer.kind)
        count = seen[word] + first
        auto = f"{word}_{count}" if count else word
        seen[word] += not layer.name
        named.append(replace(layer, name=prefix + (layer.name or auto)))
    return named


def add_targets(case: Case, layers: Iterable[Layer]) -> list[list[str]]:
    """Add the variables of named layers as targets; return the paths, layer by layer."""
    return [
        [
            case.target(
                f"{layer.name}/{v.leaf}",
                v.shape,
                v.layer_class or layer.kind,
                trainable=v.trainable,
            )
            for v in layer.variables
        ]
        for layer in layers
    ]


def add_list(
    case: Case, rows: Sequence[tuple[str, tuple[int, ...]]], *, names: str = "arr_{}"
) -> None:
    """Add a bare list: one source and edge for each (target, shape); no target is a leftover."""
    for number, (path, shape) in enumerate(rows):
        name = case.source(names.format(number), shape)
        if path:
            case.edge(name, path)


def rows_of(paths: Sequence[str], layer: Layer) -> list[tuple[str, tuple[int, ...]]]:
    """Return (target, shape) of one layer, as `add_list` wants it."""
    return [(path, v.shape) for path, v in zip(paths, layer.variables, strict=True)]
