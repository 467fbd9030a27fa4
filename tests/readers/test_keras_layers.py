"""What configurations of each era say about layers, and names that Keras 1 joined."""

import json
from typing import Any

import pytest

from tests.readers.keras_goldens import FOLDER
from tfrepair.readers.keras_config import layer_config
from tfrepair.readers.keras_layers import input_shape, layer_facts
from tfrepair.readers.registry import open_source

LAYOUTS = FOLDER.parent / "keras_layouts"


def layer(class_name: str, name: str, *before: str, **settings: Any) -> dict[str, Any]:
    nodes = [[[origin, 0, 0] for origin in before]] if before else []
    return {
        "class_name": class_name,
        "name": name,
        "config": {"name": name, **settings},
        "inbound_nodes": nodes,
    }


CONV = {"nb_filter": 4, "dim_ordering": "th"}
FIRST = {"data_format": "channels_first"}


def channels(*layers: dict[str, Any], name: str = "fc") -> int | None:
    config = {"class_name": "Model", "config": {"name": "m", "layers": list(layers)}}
    facts = json.loads(layer_facts(layer_config(config)))
    found: int | None = facts[name].get("channels")
    return found


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ((layer("Convolution2D", "c", "i", **CONV), layer("Flatten", "f", "c")), 4),
        (
            (
                layer("Convolution2D", "c", "i", **CONV),
                layer("MaxPooling2D", "p", "c"),
                layer("Dropout", "d", "p"),
                layer("Flatten", "f", "d"),
            ),
            4,
        ),
        ((layer("Conv2D", "c", "i", filters=5, **FIRST), layer("Flatten", "f", "c")), 5),
        (
            (layer("Conv2D", "c", "i", filters=5, **FIRST), layer("Flatten", "f", "c", **FIRST)),
            None,
        ),
        ((layer("Conv2D", "c", "i", filters=5), layer("Flatten", "f", "c")), None),
        ((layer("Conv1D", "c", "i", filters=5), layer("Flatten", "f", "c", **FIRST)), -1),
        (
            (
                layer("Convolution2D", "a", "i", **CONV),
                layer("Convolution2D", "c", "i", **CONV),
                layer("Merge", "m", "a", "c"),
                layer("Flatten", "f", "m"),
            ),
            0,
        ),
        ((layer("Convolution2D", "c", "i", **CONV), layer("Dense", "f", "c")), None),
    ],
    ids=["th", "pooled", "keras-2", "moved by Flatten", "last", "lines", "merged", "no Flatten"],
)
def test_what_a_dense_layer_stands_behind(
    layers: tuple[dict[str, Any], ...], expected: int | None
) -> None:
    given = layer("InputLayer", "i", batch_input_shape=[None, 2, 6, 5])
    assert channels(given, *layers, layer("Dense", "fc", "f")) == expected


def test_facts_of_a_sequential_model() -> None:
    config: dict[str, Any] = {
        "class_name": "Sequential",
        "config": [
            layer("Convolution2D", "c", batch_input_shape=[None, 2, 6, 5], **CONV),
            layer("Flatten", "f"),
            layer("Activation", "a"),
            layer("Dense", "fc"),
            layer("LSTM", "r", inner_activation="hard_sigmoid"),
            layer("BatchNormalization", "bn", epsilon=1e-5),
            layer("Convolution2D", "even", border_mode="same", nb_row=2, nb_col=3),
        ],
    }
    for entry in config["config"]:
        del entry["inbound_nodes"]
    root = layer_config(config)
    facts = json.loads(layer_facts(root))
    assert facts["c"] == {"class": "Convolution2D", "first": True}
    assert facts["fc"] == {"class": "Dense", "channels": 4}
    assert facts["r"]["hard_sigmoid"]
    assert facts["bn"]["epsilon"] == 1e-5
    assert facts["even"]["even_same"]
    assert json.loads(input_shape(root)) == [[2, 6, 5]]


@pytest.mark.parametrize("value", [None, {}, [], {"class_name": "Dense", "config": {}}])
def test_without_a_model_there_are_no_facts(value: object) -> None:
    assert layer_facts(layer_config(value)) == ""


def test_a_layer_named_after_its_model_keeps_its_name() -> None:
    for name in ("frozen.h5", "frozen_only.h5"):
        store = open_source(LAYOUTS / "keras1" / name)
        assert "inner/inner_a_W" in store
        assert "inner/inner_b_b" in store


@pytest.mark.parametrize(
    ("folder", "era", "kernels"),
    [
        ("keras1", "1", "tensorflow"),
        ("keras1_theano", "1", "theano"),
        ("keras2_2_theano", "", "theano"),
        ("keras2_0", "", "tensorflow"),
        ("tf2_15", "", "tensorflow"),
    ],
)
def test_era_and_backend_of_weights_alone(folder: str, era: str, kernels: str) -> None:
    store = open_source(LAYOUTS / folder / "films_only.h5")
    assert store.attributes.get("era", "") == era
    assert store.attributes["kernels"] == kernels
    assert "layers" not in store.attributes
