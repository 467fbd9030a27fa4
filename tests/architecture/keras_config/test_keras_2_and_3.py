"""What changed between Keras 2.0 and Keras 3: each rule by itself, without TensorFlow."""

import json
from typing import Any

import pytest

from tests.architecture.keras_config.configs import (
    called,
    functional,
    layer,
    layers_of,
    prepared,
    sequential,
)
from tfrepair.architecture.keras_config import nodes
from tfrepair.architecture.keras_config.reading import Era, era_of
from tfrepair.core.errors import ArchitectureError
from tfrepair.tfhost.protocol import CUSTOM

OLD = "keras_2_hard_sigmoid"


@pytest.mark.parametrize(
    ("value", "version", "era"),
    [
        (sequential(layer("Dense", "a", output_dim=3, W_regularizer=None)), "", Era.KERAS_1),
        (sequential(layer("Dense", "a", batch_input_shape=[None, 3])), "", Era.KERAS_2),
        (sequential(layer("Dense", "a", dtype={"class_name": "DTypePolicy"})), "", Era.KERAS_3),
        (sequential(layer("InputLayer", "a", batch_shape=[None, 3])), "", Era.KERAS_3),
        (sequential(), "1.2.2", Era.KERAS_1),
        (sequential(), "0.3.3", Era.KERAS_1),
        (sequential(), "2.2.4-tf", Era.KERAS_2),
        (sequential(), "3.15.1", Era.KERAS_3),
        (sequential(), "", Era.KERAS_2),
    ],
)
def test_who_wrote_it(value: Any, version: str, era: Era) -> None:
    assert era_of(value, version) is era


@pytest.mark.parametrize(
    ("asked", "version", "is_there", "keras"),
    [
        (None, "2.2.4", True, 2),
        (None, "2.2.4", False, 3),
        (3, "2.2.4", True, 3),
        (2, "1.2.2", True, 2),
        (None, "3.6.0", True, 3),
    ],
)
def test_which_keras_is_chosen(asked: int, version: str, is_there: bool, keras: int) -> None:
    found = prepared(sequential(), version=version, keras=asked, has_tf_keras=is_there)
    assert found.keras == keras
    assert ("tf_keras" if keras == 2 else "Keras 3") in found.findings[0].message


def test_keras_3_does_not_go_back() -> None:
    with pytest.raises(ArchitectureError, match="tf_keras cannot read"):
        prepared(sequential(), version="3.6.0", keras=2)


RULES: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("GRU", {"units": 2}, "GRU", {"units": 2, "reset_after": False}),
    ("GRU", {"units": 2, "reset_after": True}, "GRU", {"units": 2, "reset_after": True}),
    ("CuDNNLSTM", {"units": 2}, "LSTM", {"units": 2, "activation": "tanh",
     "recurrent_activation": "sigmoid", "use_bias": True}),
    ("CuDNNGRU", {"units": 2}, "GRU", {"units": 2, "activation": "tanh", "reset_after": True,
     "recurrent_activation": "sigmoid", "use_bias": True}),
    ("BatchNormalizationV2", {"axis": [3]}, "BatchNormalization", {"axis": 3}),
    ("DepthwiseConv2D", {"groups": 1}, "DepthwiseConv2D", {}),
    ("Conv2D", {"groups": 4}, "Conv2D", {"groups": 4}),
    ("Dense", {"dtype": {"class_name": "Policy", "config": {"name": "mixed_float16"}}}, "Dense",
     {"dtype": "mixed_float16"}),
    ("Reshape", {"target_shape": {"class_name": "__tuple__", "items": [2, 3]}}, "Reshape",
     {"target_shape": [2, 3]}),
    ("Dense", {"kernel_initializer": {"class_name": "VarianceScaling",
                                      "config": {"distribution": "normal"}}}, "Dense",
     {"kernel_initializer": {"class_name": "VarianceScaling",
                             "config": {"distribution": "truncated_normal"}}}),
]  # fmt: skip


@pytest.mark.parametrize(("old", "settings", "new", "want"), RULES)
def test_keras_2_for_tf_keras(
    old: str, settings: dict[str, Any], new: str, want: dict[str, Any]
) -> None:
    (found,) = layers_of(prepared(sequential(layer(old, "a", **settings)), version="2.2.4"))
    assert (found["class_name"], found["config"]) == (new, {"name": "a", **want})


FOR_KERAS_3: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("LSTM", {"units": 2, "time_major": False, "implementation": 2}, "LSTM", {"units": 2}),
    ("Embedding", {"input_dim": 3, "input_length": 9}, "Embedding", {"input_dim": 3}),
    ("InputLayer", {"batch_input_shape": [None, 3], "ragged": False}, "InputLayer",
     {"batch_shape": [None, 3], "ragged": False}),
    ("LeakyReLU", {"alpha": 0.1}, "LeakyReLU", {"negative_slope": 0.1}),
    ("ThresholdedReLU", {"theta": 0.5}, "ReLU", {"threshold": 0.5}),
    ("SeparableConv2D", {"groups": 1, "kernel_initializer": "zeros", "kernel_regularizer": None},
     "SeparableConv2D", {}),
    ("MultiHeadAttention", {"num_heads": 2, "query_shape": [None, 2, 3]}, "MultiHeadAttention",
     {"num_heads": 2}),
    ("SpatialDropout2D", {"rate": 0.5, "trainable": True, "noise_shape": None},
     "SpatialDropout2D", {"rate": 0.5}),
    ("RandomFlip", {"mode": "horizontal", "rng_type": "stateful"}, "RandomFlip",
     {"mode": "horizontal"}),
    ("BatchNormalization", {"axis": [1], "renorm": False}, "BatchNormalization", {"axis": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("old", "settings", "new", "want"), FOR_KERAS_3)
def test_keras_2_for_keras_3(
    old: str, settings: dict[str, Any], new: str, want: dict[str, Any]
) -> None:
    config = sequential(layer(old, "a", **settings))
    found = layers_of(prepared(config, version="2.4.0", keras=3))[-1]
    assert found == {
        "class_name": new,
        "config": {"name": "a", **want},
        "module": "keras.layers",
        "registered_name": None,
    }


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (layer("LSTM", "a", units=2, time_major=True), "time_major=True"),
        (layer("DepthwiseConv2D", "a", groups=2), "groups=2"),
        (layer("BatchNormalization", "a", axis=[1, 2]), r"the axes \[1, 2\]"),
        (layer("LocallyConnected2D", "a"), "try --keras 2"),
        (layer("TFOpLambda", "a", function="math.add"), "try --keras 2"),
    ],
)
def test_what_keras_3_would_compute_otherwise_is_refused(held: dict[str, Any], words: str) -> None:
    with pytest.raises(ArchitectureError, match=words):
        prepared(sequential(held), version="2.4.0", keras=3)


def test_hard_sigmoid_keeps_its_slope() -> None:
    held = layer("LSTM", "a", units=2, activation="tanh", recurrent_activation="hard_sigmoid")
    (old,) = layers_of(prepared(sequential(held), version="2.2.4"))
    assert old["config"]["recurrent_activation"] == "hard_sigmoid"
    moved = prepared(sequential(held), version="2.2.4", keras=3)
    assert layers_of(moved)[-1]["config"]["recurrent_activation"]["config"] == CUSTOM + OLD
    assert any("hard_sigmoid" in finding.message for finding in moved.findings)
    (new,) = layers_of(prepared(sequential(held), version="3.1.0"))
    assert new["config"]["recurrent_activation"] == "hard_sigmoid"


def test_a_sequential_gets_its_input_layer() -> None:
    config = {
        "class_name": "Sequential",
        "config": [layer("Dense", "a", units=2, batch_input_shape=[None, 3], dtype="float32")],
    }
    first, second = layers_of(prepared(config, version="2.0.8", keras=3))
    assert first["config"] == {"name": "a_input", "batch_shape": [None, 3], "dtype": "float32"}
    assert second["config"] == {"name": "a", "units": 2, "dtype": "float32"}


def test_a_frozen_wrapper_freezes_its_layer() -> None:
    inner = layer("Dense", "b", units=2, trainable=True)
    config = sequential(layer("TimeDistributed", "a", trainable=False, layer=inner))
    assert layers_of(prepared(config, version="2.4.0", keras=3))[-1]["config"]["layer"]["config"][
        "trainable"
    ] is False  # fmt: skip


def test_calls_of_models_inside_are_counted_from_zero_in_keras_3() -> None:
    inner = functional(
        called(layer("InputLayer", "i", batch_input_shape=[None, 3])),
        called(layer("Dense", "d", units=3), [["i", 0, 0, {}]]),
        outputs=[["d", 0, 0]],
    )
    inner["config"]["name"] = "encoder"
    config = functional(
        called(layer("InputLayer", "x", batch_input_shape=[None, 3])),
        called(inner, [["x", 0, 0, {}]], [["encoder", 1, 0, {}]]),
        called(layer("Concatenate", "c"), [["encoder", 1, 0, {}], ["encoder", 2, 0, {}]]),
        outputs=[["encoder", 2, 0], ["c", 0, 0]],
    )
    found = prepared(config, version="2.4.0", keras=3)
    by_name = {entry["name"]: entry["inbound_nodes"] for entry in layers_of(found)}
    assert list(nodes.sources(by_name["c"])) == ["encoder", "encoder"]
    (tensors,) = by_name["c"][0]["args"]
    assert [t["config"]["keras_history"] for t in tensors] == [["encoder", 0, 0], ["encoder", 1, 0]]
    # Keras 3 itself takes one off where outputs name a functional model.
    assert json.loads(found.model)["config"]["output_layers"] == [["encoder", 2, 0], ["c", 0, 0]]


def test_states_and_keyword_tensors_of_calls() -> None:
    offsets = {"x": 0, "h": 0, "q": 0}
    state = nodes.to_keras_3([["x", 0, 0, {}], ["h", 0, 1, {}]], "GRU", offsets)
    assert isinstance(state, dict)
    assert [t["config"]["keras_history"] for t in state["args"]] == [["x", 0, 0]]
    assert [t["config"]["keras_history"] for t in state["kwargs"]["initial_state"]] == [["h", 0, 1]]
    held = nodes.to_keras_3(
        [["q", 0, 0, {"value": ["x", 0, 0], "training": False}]], "MultiHeadAttention", offsets
    )
    assert isinstance(held, dict)
    assert held["kwargs"]["value"]["config"]["keras_history"] == ["x", 0, 0]
    assert held["kwargs"]["training"] is False


def test_bilinear_upsampling_of_standalone_keras_is_told() -> None:
    config = sequential(layer("UpSampling2D", "up", interpolation="bilinear"))
    assert any(f.code == "changed-meaning" for f in prepared(config, version="2.2.4").findings)
    assert not any(f.code == "changed-meaning" for f in prepared(config, version="2.6.0").findings)


def test_custom_classes_are_asked_for_and_never_meant_by_a_class_of_keras() -> None:
    config = sequential(
        {**layer("Dense", "a", units=2), "module": "mine", "registered_name": "mine>Dense"},
        layer("Custom>Scale", "b", factor=2),
        layer("Dense", "c", activation="my_relu"),
    )
    with pytest.raises(ArchitectureError) as caught:
        prepared(config, version="2.4.0")
    for words in ("layer 'a'", "mine.Dense", "layer 'b'", "Scale", "layer 'c'", "my_relu"):
        assert words in caught.value.message
    assert "--custom-objects" in caught.value.remedy
    found = prepared(config, version="2.4.0", has_custom_objects=True)
    assert found.wanted == (("Dense", "a"), ("Scale", "b"), ("my_relu", "c"))
    names = [entry["class_name"] for entry in layers_of(found)]
    assert names == [f"{CUSTOM}Dense", f"{CUSTOM}Scale", "Dense"]
    assert layers_of(found)[2]["config"]["activation"] == f"{CUSTOM}my_relu"


def test_an_unknown_initializer_costs_a_note_only() -> None:
    held = layer("Dense", "a", kernel_initializer={"class_name": "Mine", "config": {}})
    found = prepared(sequential(held), version="2.4.0")
    assert layers_of(found)[0]["config"]["kernel_initializer"]["class_name"] == "Zeros"
    assert any(f.code == "initializer-replaced" for f in found.findings)


def test_functions_of_tensorflow_are_taken_from_a_list() -> None:
    good = layer("TFOpLambda", "tf.math.add", function="math.add")
    assert layers_of(prepared(sequential(good), version="2.6.0"))[0]["class_name"] == "TFOpLambda"
    old = layer("TensorFlowOpLayer", "add", node_def={"op": "AddV2", "name": "add"})
    assert layers_of(prepared(sequential(old), version="2.3.0"))[0]["config"]["node_def"]
