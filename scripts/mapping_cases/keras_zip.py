"""Keras 3 weight files, SavedModels of Keras 2 and PyTorch-like numbering: places, not names.

Source: keras-team/keras ``src/saving/saving_lib.py`` (containers number their layers by class:
``layers/conv2d_1/vars/0``), tensorflow/tensorflow ``python/keras/saving`` (``variables/12``).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from scripts.mapping_cases.case import Case
from scripts.mapping_cases.keras_layers import (
    Layer,
    add_targets,
    bidirectional,
    conv,
    dense,
    embedding,
    norm,
    numbered,
    recurrent,
    snake,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

END = "/.ATTRIBUTES/VARIABLE_VALUE"


def _case(name: str, provenance: str, basis: str, *tags: str) -> Case:
    return Case(
        name=name,
        provenance=provenance,
        truth_basis=basis,
        source_format="keras3_weights_h5",
        tags=("keras3_file", *tags),
    )


def _store(case: Case, layers: Sequence[Layer], paths: Sequence[Sequence[str]], top: str) -> None:
    """Add the places of a container: class, number of the class, position of the variable."""
    seen: Counter[str] = Counter()
    for layer, targets in zip(layers, paths, strict=True):
        word = snake(layer.kind)
        place = f"{top}{word}" + (f"_{seen[word]}" if seen[word] else "")
        seen[word] += 1
        inner = {"LSTM": "/cell", "GRU": "/cell"}.get(layer.kind, "")
        for number, (variable, path) in enumerate(zip(layer.variables, targets, strict=True)):
            name = f"{place}{inner}/vars/{number}"
            if layer.kind == "Bidirectional":
                way = "forward" if number < 3 else "backward"
                name = f"{place}/{way}_layer/cell/vars/{number % 3}"
            case.edge(case.source(name, variable.shape), path)


def _cnn(width: int) -> list[Layer]:
    layers, channels = [], 3
    for factor in (1, 1, 2, 2, 4, 4):
        layers += [conv(3, 3, channels, width * factor), norm(width * factor)]
        channels = width * factor
    return layers


def _weights_files() -> Iterator[Case]:
    case = _case(
        "keras3_weights_h5_cnn__keras3_named",
        "Keras 3 .weights.h5 of a Sequential with optimizer and dropout seeds; target the same "
        "network with layers named by stage",
        "rule: class and number give the layer, vars/N the variable",
        "natural_order",
        "same_shape",
        "slots",
    )
    layers = [*_cnn(16), dense(1024, 128), dense(128, 10)]
    names = [f"stage{n // 4}_{'ab'[n // 2 % 2]}_{('conv', 'norm')[n % 2]}" for n in range(12)]
    named = [
        Layer(kind=layer.kind, variables=layer.variables, name=name)
        for layer, name in zip(layers, [*names, "features", "logits"], strict=True)
    ]
    _store(case, layers, add_targets(case, named), "layers/")
    trained = [v.shape for layer in layers for v in layer.variables if v.trainable]
    case.source("optimizer/vars/0", (), "int64")
    case.source("optimizer/vars/1")
    for number, shape in enumerate(trained):
        case.source(f"optimizer/vars/{2 + 2 * number}", shape)
        case.source(f"optimizer/vars/{3 + 2 * number}", shape)
    case.source("layers/dropout/seed_generator/vars/0", (2,), "uint32")
    yield case
    case = _case(
        "keras3_weights_h5_nested_functional__keras3",
        "Keras 3 .weights.h5 of a functional model with a nested backbone "
        "(layers/functional/layers/...) and a head of 10 classes; target 3 classes",
        "rule: class and number give the layer, vars/N the variable; the head differs",
        "nested",
        "natural_order",
        "other_head",
    )
    backbone = _cnn(24)
    new = numbered(backbone, prefix="backbone/")
    _store(case, backbone, add_targets(case, new), "layers/functional/layers/")
    case.source("layers/dense/vars/0", (96, 10))
    case.source("layers/dense/vars/1", (10,))
    case.target("head/kernel", (96, 3), "Dense")
    case.target("head/bias", (3,), "Dense")
    yield case
    case = _case(
        "keras3_weights_h5_recurrent__keras3",
        "Keras 3 .weights.h5 of Embedding, two Bidirectional LSTM, LSTM, Dense; target the same "
        "with names of its own",
        "rule: class and number; forward_layer before backward_layer; vars 0, 1, 2 are kernel, "
        "recurrent kernel, bias",
        "rnn",
        "bidirectional",
    )
    layers = [embedding(5000, 96), bidirectional("LSTM", 96, 96), bidirectional("LSTM", 192, 96)]
    layers += [recurrent("LSTM", 192, 96), dense(96, 3)]
    names = ["tokens", "reader_low", "reader_high", "summary", "verdict"]
    named = [
        Layer(kind=layer.kind, variables=layer.variables, name=name)
        for layer, name in zip(layers, names, strict=True)
    ]
    _store(case, layers, add_targets(case, named), "layers/")
    yield case


def _saved_model() -> Iterator[Case]:
    case = Case(
        name="keras2_saved_model_numbered_variables__keras3",
        provenance="variables of a Keras 2 SavedModel, keys variables/N (the shortest path "
        "in the object graph), metrics and optimizer beside them; target Keras 3 Sequential",
        truth_basis="rule: N is the position in model.variables",
        source_format="tf2_ckpt",
        tags=("object_graph", "nameless", "natural_order", "same_shape"),
    )
    layers = numbered([*_cnn(32), dense(2048, 64), dense(64, 5)], prefix="sequential/")
    paths = [path for group in add_targets(case, layers) for path in group]
    shapes = [variable.shape for layer in layers for variable in layer.variables]
    for number, (path, shape) in enumerate(zip(paths, shapes, strict=True)):
        case.edge(case.source(f"variables/{number}{END}", shape), path)
    for metric in range(2):
        for leaf in ("total", "count"):
            case.source(f"keras_api/metrics/{metric}/{leaf}{END}")
    case.source("_CHECKPOINTABLE_OBJECT_GRAPH", (), "string")
    yield case


def cases() -> Iterator[Case]:
    """Yield the cases of this family."""
    yield from _weights_files()
    yield from _saved_model()
