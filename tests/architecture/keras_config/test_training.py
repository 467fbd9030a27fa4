"""``training_config`` of every era, for ``compile`` of today."""

from typing import Any

import pytest

from tests.architecture.keras_config.configs import prepared, sequential, training_of
from tfrepair.architecture.keras_config.preparing import KerasTexts, prepare
from tfrepair.core.findings import Severity
from tfrepair.tfhost.protocol import CUSTOM

ADAM = {"class_name": "Adam", "config": {"lr": 0.5, "decay": 0.0, "epsilon": None}}


def found(training: Any, **options: Any) -> dict[str, Any]:
    return training_of(prepared(sequential(), training, **options))


def test_keras_2_keeps_its_optimizer_as_it_was() -> None:
    held = found({"optimizer_config": ADAM, "loss": "mse", "metrics": ["acc"]}, version="2.2.4")
    assert held == {"optimizer": ADAM, "loss": "mean_squared_error", "metrics": ["acc"]}


def test_keras_3_gets_a_learning_rate() -> None:
    held = found({"optimizer_config": ADAM}, version="2.2.4", keras=3)
    assert held["optimizer"] == {
        "module": "keras.optimizers",
        "class_name": "Adam",
        "config": {"learning_rate": 0.5, "epsilon": 1e-7},
        "registered_name": None,
    }


def test_decay_is_a_schedule_that_computes_the_same() -> None:
    config = {"class_name": "SGD", "config": {"lr": 0.5, "decay": 0.01, "momentum": 0.9}}
    held = found({"optimizer_config": config}, version="2.2.4", keras=3)["optimizer"]["config"]
    schedule = held["learning_rate"]
    assert schedule["class_name"] == "InverseTimeDecay"
    assert schedule["config"] == {
        "initial_learning_rate": 0.5,
        "decay_steps": 1,
        "decay_rate": 0.01,
    }
    assert held["momentum"] == 0.9


def test_the_decay_of_nadam_is_no_schedule() -> None:
    config = {"class_name": "Nadam", "config": {"learning_rate": 0.5, "decay": 0.004}}
    held = found({"optimizer_config": config}, version="2.2.4-tf", keras=3)["optimizer"]["config"]
    assert held == {"learning_rate": 0.5}


def test_tf_keras_registers_its_own_optimizers_as_custom() -> None:
    config = {"class_name": "Custom>SGD", "config": {"learning_rate": 0.5, "momentum": 0.0,
              "is_legacy_optimizer": False, "jit_compile": True}}  # fmt: skip
    assert found({"optimizer_config": config}, version="2.13.0")["optimizer"]["class_name"] == "SGD"
    moved = found({"optimizer_config": config}, version="2.13.0", keras=3)["optimizer"]["config"]
    assert moved == {"learning_rate": 0.5, "momentum": 0.0}


def test_schedules_and_loss_scaling() -> None:
    schedule = {"class_name": "ExponentialDecay", "config": {"initial_learning_rate": 0.5,
                "decay_steps": 10, "decay_rate": 0.9, "staircase": False}}  # fmt: skip
    inner = {"class_name": "Adam", "config": {"learning_rate": schedule}}
    config = {"class_name": "LossScaleOptimizer", "config": {"inner_optimizer": inner}}
    held = found({"optimizer_config": config}, version="2.6.0")["optimizer"]
    assert held["config"]["inner_optimizer"]["config"]["learning_rate"] == schedule


@pytest.mark.parametrize(
    ("loss", "want"),
    [
        ("mse", "mean_squared_error"),
        ("MeanSquaredError", "mean_squared_error"),
        ("kullback_leibler_divergence", "kl_divergence"),
        ("logcosh", "log_cosh"),
        ({"out": "mae", "aux": None}, {"out": "mean_absolute_error", "aux": None}),
        (["mse", "bce"], ["mean_squared_error", "binary_crossentropy"]),
        (
            {"module": "builtins", "class_name": "function", "config": "mse"},
            "mean_squared_error",
        ),
        (
            {"class_name": "Huber", "config": {"reduction": "auto", "name": "h", "delta": 2.0}},
            {"class_name": "Huber", "config": {"reduction": "auto", "name": "h", "delta": 2.0}},
        ),
    ],
)
def test_losses(loss: Any, want: Any) -> None:
    assert found({"optimizer_config": ADAM, "loss": loss}, version="2.4.0")["loss"] == want


def test_reduction_auto_is_what_keras_3_calls_it() -> None:
    loss = {"class_name": "Huber", "config": {"reduction": "auto", "delta": 2.0}}
    held = found({"optimizer_config": ADAM, "loss": loss}, version="2.4.0", keras=3)["loss"]
    assert held["config"]["reduction"] == "sum_over_batch_size"


def test_cosine_proximity_had_two_meanings() -> None:
    training = {"optimizer_config": ADAM, "loss": "cosine_proximity"}
    assert found(training, version="2.3.1")["loss"] == "cosine_similarity"
    assert "loss" not in found(training, version="2.0.8")


@pytest.mark.parametrize(
    ("metrics", "want"),
    [
        (["accuracy", "mse"], ["accuracy", "mean_squared_error"]),
        ([["accuracy"]], ["accuracy"]),
        (
            [[{"class_name": "MeanMetricWrapper", "config": {"name": "acc", "fn": "acc"}}]],
            ["acc"],
        ),
        (
            {"out": {"class_name": "AUC", "config": {"curve": "ROC", "dtype": "float32"}}},
            {"out": {"class_name": "AUC", "config": {"curve": "ROC", "dtype": "float32"}}},
        ),
    ],
)
def test_metrics(metrics: Any, want: Any) -> None:
    held = found({"optimizer_config": ADAM, "metrics": metrics}, version="2.4.0")
    assert held["metrics"] == want


def test_what_is_not_keras_own_costs_the_training_step_and_is_said() -> None:
    training = {"optimizer_config": ADAM, "loss": "my_loss", "metrics": ["my_metric", "mse"]}
    done = prepared(sequential(), training, version="2.4.0")
    assert training_of(done) == {"optimizer": ADAM, "metrics": ["mean_squared_error"]}
    (lost,) = [f for f in done.findings if f.code == "training-not-read"]
    assert lost.severity is Severity.LOSS
    assert "my_loss" in lost.message
    assert any("my_metric" in f.message for f in done.findings)
    given = prepared(sequential(), training, version="2.4.0", has_custom_objects=True)
    assert training_of(given)["loss"] == f"{CUSTOM}my_loss"
    assert [name for name, _ in given.wanted] == ["my_loss", "my_metric"]


def test_an_unknown_optimizer_is_a_loss() -> None:
    training = {"optimizer_config": {"class_name": "TFOptimizer", "config": {}}, "loss": "mse"}
    done = prepared(sequential(), training, version="2.2.4")
    assert not done.training
    assert any(f.code == "training-not-read" for f in done.findings)


def test_an_optimizer_that_only_its_variables_name() -> None:
    done = prepared(sequential(), {"loss": "mse"}, version="3.15.0", optimizer="adam")
    assert training_of(done)["optimizer"]["class_name"] == "Adam"
    assert any(f.code == "optimizer-by-name" for f in done.findings)


def test_a_damaged_training_config_costs_no_weights() -> None:
    texts = KerasTexts(where="run.h5", model='{"class_name": "Sequential", "config": []}',
                       training="{")  # fmt: skip
    done = prepare(texts)
    assert not done.training
    assert [f.code for f in done.findings if f.severity is Severity.LOSS] == ["training-not-read"]


def test_it_is_told_where_training_comes_from() -> None:
    training = {"optimizer_config": ADAM, "loss": "mse", "metrics": ["acc"]}
    (note,) = [
        f
        for f in prepared(sequential(), training, version="2.2.4").findings
        if f.code == "training-from-file"
    ]
    assert note.where == "run.h5: training_config"
    assert note.message.endswith("Adam at learning rate 0.5, loss mean_squared_error, metrics acc")
