# ruff: noqa: E501 - one row of a table stays one line
"""Optimizer state that the target wants: slots of TensorFlow 1 and of Keras 2 files into Keras 3.

Source of the names: tensorflow/tensorflow r1.15 ``python/training/adam.py``, ``rmsprop.py``,
``adagrad.py``; keras-team/keras ``src/optimizers`` (momentum, velocity, accumulator, interleaved for
Adam, one kind after the other for RMSprop).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from scripts.mapping_cases.case import Case
from scripts.mapping_cases.keras_layers import Layer, add_targets, conv, dense, norm, numbered

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Pair = tuple[str, str, tuple[int, ...]]
Spelling = Callable[[str, str], str]


def _net() -> list[Layer]:
    layers, channels = [], 3
    for _ in range(4):
        layers += [conv(3, 3, channels, 40), norm(40)]
        channels = 40
    return numbered([*layers, dense(40, 40), dense(40, 40), dense(40, 6)])


def _model(case: Case, spell: Callable[[str], str]) -> list[Pair]:
    """Add the model; return (source, target, shape) of what is trained."""
    trained = []
    layers = _net()
    for layer, paths in zip(layers, add_targets(case, layers), strict=True):
        for variable, path in zip(layer.variables, paths, strict=True):
            name = case.source(spell(path), variable.shape)
            case.edge(name, path)
            if variable.trainable:
                trained.append((name, path, variable.shape))
    return trained


def _state(
    case: Case,
    trained: Sequence[Pair],
    scope: str,
    kinds: Sequence[tuple[str, str]],
    spell: Spelling,
    *,
    interleaved: bool,
) -> None:
    """Add slots and optimizer variables; ``kinds`` are (slot of the file, word of Keras 3)."""
    rows = [(pair, kind) for pair in trained for kind in kinds]
    if not interleaved:
        rows = [(pair, kind) for kind in kinds for pair in trained]
    iteration = case.target(f"{scope}/iteration", (), "Optimizer", trainable=False, dtype="int64")
    case.target(f"{scope}/learning_rate", (), "Optimizer", trainable=False)
    case.dont_care = {"targets": [iteration], "sources": []}
    for (name, path, shape), (slot, word) in rows:
        new = f"{scope}/{path.replace('/', '_')}_{word}"
        target = case.target(new, shape, "Optimizer", trainable=False)
        case.edge(case.source(spell(name, slot), shape), target)


def _tf1(path: str) -> str:
    words = {"kernel": "weights", "bias": "biases"}
    layer, leaf = path.split("/")
    if layer.startswith("batch_normalization"):
        number = int(layer.rpartition("_")[2]) if layer[-1].isdigit() else 0
        return f"net/conv{number + 1}/BatchNorm/{leaf}"
    word, _, number = layer.partition("_")
    index = int(number or 0) + 1
    scope = f"net/conv{index}" if word == "conv2d" else f"net/fc{index}"
    return f"{scope}/{words[leaf]}"


def cases() -> Iterator[Case]:
    """Yield the cases of this family."""
    plans = (
        ("adam", (("Adam", "momentum"), ("Adam_1", "velocity")), True),
        ("rmsprop", (("RMSProp", "velocity"), ("RMSProp_1", "momentum")), False),
        ("adagrad", (("Adagrad", "accumulator"),), True),
    )
    for word, kinds, interleaved in plans:
        case = Case(
            name=f"tf1_{word}_slots__keras3_with_{word}",
            provenance=f"tf.contrib.layers network trained with tf.train {word}; target the Keras 3 model with its {word} optimizer",
            truth_basis="rule: layer numbers; slots follow their variable; the iteration is not judged",
            tags=("optimizer", "same_shape"),
        )
        trained = _model(case, _tf1)
        _state(
            case, trained, word, kinds, lambda name, slot: f"{name}/{slot}", interleaved=interleaved
        )
        if word == "adam":
            case.source("beta1_power")
            case.source("beta2_power")
        case.dont_care["sources"] = [case.source("global_step", (), "int64")]
        yield case
    case = Case(
        name="tfkeras_full_h5_adam__keras3_with_adam",
        provenance="full model H5 of tf.keras 2.4 (optimizer_weights/Adam/<variable>/m and v beside the model weights); target the Keras 3 model with Adam",
        truth_basis="rule: equal layer names; slots follow their variable; the iteration is not judged",
        source_format="keras_h5",
        order="file",
        tags=("optimizer", "same_shape"),
    )
    trained = _model(case, lambda path: path)
    kinds = (("m", "momentum"), ("v", "velocity"))
    case.dont_care = {}
    _state(
        case,
        trained,
        "adam",
        kinds,
        lambda name, slot: f"optimizer_weights/Adam/{name}/{slot}",
        interleaved=True,
    )
    case.dont_care["sources"] = [case.source("optimizer_weights/Adam/iter", (), "int64")]
    yield case
    case = Case(
        name="tf1_adam_slots__keras3_with_sgd",
        provenance="tf.contrib.layers network trained with tf.train Adam; the target has SGD with momentum, which nothing in the file fills",
        truth_basis="rule: layer numbers; the moments of Adam are not the momentum of SGD",
        tags=("optimizer", "other_optimizer", "same_shape"),
    )
    trained = _model(case, _tf1)
    case.target("sgd/iteration", (), "Optimizer", trainable=False, dtype="int64")
    case.target("sgd/learning_rate", (), "Optimizer", trainable=False)
    for name, path, shape in trained:
        case.target(f"sgd/{path.replace('/', '_')}_momentum", shape, "Optimizer", trainable=False)
        case.source(f"{name}/Adam", shape)
        case.source(f"{name}/Adam_1", shape)
    case.source("beta1_power")
    case.source("beta2_power")
    case.dont_care = {
        "targets": ["sgd/iteration"],
        "sources": [case.source("global_step", (), "int64")],
    }
    yield case
