"""Every layer of Keras 1 whose settings were renamed, against what Keras 2 calls them."""

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
from tfrepair.core.errors import ArchitectureError

SHAPE = {"batch_input_shape": [None, 4]}
L2 = {"name": "WeightRegularizer", "l1": 0.0, "l2": 0.5}
CASES: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    (
        "Dense",
        {"output_dim": 3, "init": "uniform", "bias": False, "W_regularizer": L2, "input_dim": 4,
         "b_constraint": {"name": "MaxNorm", "m": 2, "axis": 0}, "activation": "relu"},
        "Dense",
        {"units": 3, "kernel_initializer": {"class_name": "RandomUniform", "config": {}},
         "use_bias": False,
         "kernel_regularizer": {"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.5}},
         "bias_constraint": {"class_name": "MaxNorm", "config": {"max_value": 2, "axis": 0}},
         "activation": "relu"},
    ),
    (
        "Convolution2D",
        {"nb_filter": 8, "nb_row": 3, "nb_col": 5, "border_mode": "same", "subsample": [2, 1],
         "dim_ordering": "tf"},
        "Conv2D",
        {"filters": 8, "kernel_size": [3, 5], "padding": "same", "strides": [2, 1],
         "data_format": "channels_last"},
    ),
    (
        "AtrousConvolution2D",
        {"nb_filter": 8, "nb_row": 3, "nb_col": 3, "atrous_rate": [2, 2], "dim_ordering": "tf"},
        "Conv2D",
        {"filters": 8, "kernel_size": [3, 3], "dilation_rate": [2, 2],
         "data_format": "channels_last"},
    ),
    (
        "Convolution1D",
        {"nb_filter": 8, "filter_length": 3, "subsample_length": 2, "border_mode": "valid",
         "input_dim": 4, "input_length": None},
        "Conv1D",
        {"filters": 8, "kernel_size": 3, "strides": 2, "padding": "valid"},
    ),
    (
        "Convolution3D",
        {"nb_filter": 8, "kernel_dim1": 2, "kernel_dim2": 3, "kernel_dim3": 4},
        "Conv3D",
        {"filters": 8, "kernel_size": [2, 3, 4]},
    ),
    (
        "Deconvolution2D",
        {"nb_filter": 2, "nb_row": 3, "nb_col": 3, "subsample": [2, 2], "output_shape": [9, 9]},
        "Conv2DTranspose",
        {"filters": 2, "kernel_size": [3, 3], "strides": [2, 2]},
    ),
    (
        "LSTM",
        {"output_dim": 3, "inner_init": "orthogonal", "inner_activation": "hard_sigmoid",
         "forget_bias_init": "one", "dropout_W": 0.1, "dropout_U": 0.2, "consume_less": "gpu",
         "input_dim": 2, "input_length": 5, "U_regularizer": L2},
        "LSTM",
        {"units": 3, "recurrent_initializer": {"class_name": "Orthogonal", "config": {}},
         "recurrent_activation": "hard_sigmoid", "unit_forget_bias": True, "dropout": 0.1,
         "recurrent_dropout": 0.2,
         "recurrent_regularizer": {"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.5}}},
    ),
    ("GRU", {"output_dim": 3}, "GRU", {"units": 3, "reset_after": False}),
    ("SimpleRNN", {"output_dim": 3, "consume_less": "cpu"}, "SimpleRNN", {"units": 3}),
    ("MaxPooling1D", {"pool_length": 2, "stride": 2, "border_mode": "same"}, "MaxPooling1D",
     {"pool_size": 2, "strides": 2, "padding": "same"}),
    ("MaxPooling2D", {"pool_size": [2, 2], "dim_ordering": "tf"}, "MaxPooling2D",
     {"pool_size": [2, 2], "data_format": "channels_last"}),
    ("UpSampling1D", {"length": 2}, "UpSampling1D", {"size": 2}),
    ("BatchNormalization", {"mode": 0, "axis": -1, "epsilon": 1e-3}, "BatchNormalization",
     {"axis": -1, "epsilon": 1e-3}),
    ("Embedding", {"input_dim": 9, "output_dim": 3, "init": "uniform", "dropout": 0.0},
     "Embedding",
     {"input_dim": 9, "output_dim": 3,
      "embeddings_initializer": {"class_name": "RandomUniform", "config": {}}}),
    ("Dropout", {"p": 0.5}, "Dropout", {"rate": 0.5}),
    ("GaussianNoise", {"sigma": 0.5}, "GaussianNoise", {"stddev": 0.5}),
    ("TimeDistributedDense", {"output_dim": 3}, "Dense", {"units": 3}),
    ("Activation", {"activation": "tanh"}, "Activation", {"activation": "tanh"}),
]  # fmt: skip


@pytest.mark.parametrize(("old", "settings", "new", "want"), CASES, ids=[c[0] for c in CASES])
def test_a_layer_in_the_words_of_keras_2(
    old: str, settings: dict[str, Any], new: str, want: dict[str, Any]
) -> None:
    config = {"class_name": "Sequential", "config": [layer(old, "a", trainable=True, **settings)]}
    (found,) = layers_of(prepared(config, version="1.2.2"))
    assert found["class_name"] == new
    assert found["config"] == {"name": "a", "trainable": True, **want}


@pytest.mark.parametrize(
    ("settings", "name", "want"),
    [
        ({"mode": "concat", "concat_axis": 1}, "Concatenate", {"axis": 1}),
        ({"mode": "sum"}, "Add", {}),
        ({"mode": "mul"}, "Multiply", {}),
        ({"mode": "ave"}, "Average", {}),
        ({"mode": "max"}, "Maximum", {}),
        ({"mode": "dot", "dot_axes": 1}, "Dot", {"axes": 1, "normalize": False}),
    ],
)
def test_merge_is_the_layer_of_its_mode(
    settings: dict[str, Any], name: str, want: dict[str, Any]
) -> None:
    config = functional(
        called(layer("InputLayer", "x", batch_input_shape=[None, 4], input_dtype="float32")),
        called(layer("Merge", "m", **settings), [["x", 0, 0], ["x", 0, 0]]),
        outputs=[["m", 0, 0]],
    )
    first, found = layers_of(prepared(config, version="1.0.8"))
    assert first["config"]["dtype"] == "float32"
    assert (found["class_name"], found["config"]) == (name, {"name": "m", **want})


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (layer("BatchNormalization", "a", mode=1), "in mode 1"),
        (layer("Merge", "a", mode="cos"), "mode 'cos'"),
        (layer("Merge", "a", mode="concat", layers=[{}]), "branches of its own"),
        (layer("MaxoutDense", "a", output_dim=3), "Keras 2 has no such layer"),
        (layer("Dense", "a", output_dim=3, W_regularizer={"name": "EigenvalueRegularizer"}),
         "EigenvalueRegularizer"),
    ],
)  # fmt: skip
def test_what_has_no_equal_is_refused(held: dict[str, Any], words: str) -> None:
    with pytest.raises(ArchitectureError, match=words) as caught:
        prepared({"class_name": "Sequential", "config": [held]}, version="1.2.2")
    assert "layer 'a'" in caught.value.message


def test_losses_of_meaning_are_findings() -> None:
    config = sequential(
        layer("Embedding", "words", input_dim=9, output_dim=3, dropout=0.2),
        layer("Deconvolution2D", "up", nb_filter=2, nb_row=3, nb_col=3, subsample=[2, 2],
              output_shape=[None, 9, 9, 2]),
    )  # fmt: skip
    codes = [finding.code for finding in prepared(config, version="1.2.2").findings]
    assert "changed-in-training" in codes
    assert "output-shape-computed" in codes


def test_channels_first_go_between_two_permutations() -> None:
    config = {
        "class_name": "Sequential",
        "config": [
            layer("Convolution2D", "a", nb_filter=3, nb_row=3, nb_col=3, dim_ordering="th",
                  batch_input_shape=[None, 2, 6, 5], input_dtype="float32"),
            layer("MaxPooling2D", "b", dim_ordering="th"),
            layer("GlobalAveragePooling2D", "c", dim_ordering="th"),
        ],
    }  # fmt: skip
    found = layers_of(prepared(config, version="1.2.2"))
    names = [entry["config"]["name"] for entry in found]
    assert names == [
        "a_channels_last", "a", "a_channels_first",
        "b_channels_last", "b", "b_channels_first", "c",
    ]  # fmt: skip
    assert found[0]["config"]["dims"] == [2, 3, 1]
    assert found[0]["config"]["batch_input_shape"] == [None, 2, 6, 5]
    assert found[1]["config"]["data_format"] == "channels_last"
    assert "batch_input_shape" not in found[1]["config"]
    assert found[2]["config"]["dims"] == [3, 1, 2]


def test_calls_follow_the_permutations() -> None:
    config = functional(
        called(layer("InputLayer", "x", batch_input_shape=[None, 2, 6, 5])),
        called(layer("Conv2D", "a", filters=2, kernel_size=[1, 1], data_format="channels_first"),
               [["x", 0, 0, {}]], [["a", 0, 0, {}]]),
        called(layer("Add", "sum"), [["a", 0, 0, {}], ["a", 1, 0, {}]]),
        outputs=[["a", 1, 0]],
    )  # fmt: skip
    found = prepared(config, version="2.2.4")
    by_name = {entry["name"]: entry["inbound_nodes"] for entry in layers_of(found)}
    assert by_name["a_channels_last"] == [[["x", 0, 0, {}]], [["a_channels_first", 0, 0, {}]]]
    assert by_name["a"] == [[["a_channels_last", 0, 0, {}]], [["a_channels_last", 1, 0, {}]]]
    assert by_name["a_channels_first"] == [[["a", 0, 0, {}]], [["a", 1, 0, {}]]]
    assert by_name["sum"] == [[["a_channels_first", 0, 0, {}], ["a_channels_first", 1, 0, {}]]]
    assert '"output_layers": [["a_channels_first", 1, 0]]' in found.model
