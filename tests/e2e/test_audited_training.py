# mypy: allow-subclassing-any, allow-untyped-calls
# mypy: disable-error-code="explicit-override"
"""The pytest helper and the callback, on a model that lives in this process."""

import warnings
from typing import Any

import numpy as np
import pytest

from tfrepair.core.errors import UsageError
from tfrepair.keras_callback import AuditCallback, UnsavedStateWarning
from tfrepair.testing import assert_saves_everything

pytestmark = pytest.mark.tf


def network() -> Any:
    import keras
    import tensorflow as tf

    class Network(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = [keras.layers.Dense(4), keras.layers.BatchNormalization()]
            self.drop = keras.layers.Dropout(0.5)
            self.step = tf.Variable(0.0, trainable=False)

        def call(self, x: Any, training: bool = False) -> Any:
            self.step.assign_add(1.0)
            for block in self.blocks:
                x = block(x)
            return self.drop(x, training=training) * self.step

    keras.utils.set_random_seed(1)
    model = Network()
    model.compile("adam", "mse")
    return model


def trained(callbacks: list[Any], *, built: bool = False) -> list[Any]:
    model = network()
    x = np.random.default_rng(0).normal(size=(16, 3)).astype("float32")
    if built:
        model(x[:1])
    model.fit(x, np.zeros((16, 4)), batch_size=8, verbose=0, callbacks=callbacks)
    return [*model.get_weights(), model.step.numpy()]


@pytest.mark.parametrize("built", [False, True], ids=["unbuilt", "built"])
def test_a_training_is_warned_once_and_goes_on_as_it_would(built: bool) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        audited = trained([AuditCallback()], built=built)
    (one,) = [each for each in caught if each.category is UnsavedStateWarning]
    text = str(one.message)
    assert "step" in text
    assert "lost by get_weights, .weights.h5, .keras" in text
    assert "test_audited_training.py:" in text
    plain = trained([], built=built)
    assert all(np.array_equal(a, b) for a, b in zip(audited, plain, strict=True))


def test_a_callback_can_fail_and_can_look_at_some_ways_only() -> None:
    with pytest.raises(AssertionError, match="would lose"):
        trained([AuditCallback(fail=True, ways=[".keras"])])
    trained([AuditCallback(fail=True, ways=["export"])])
    with pytest.raises(UsageError):
        AuditCallback(ways=["pickle"])


def test_the_helper_fails_with_the_fix_and_passes_a_safe_model() -> None:
    import keras

    model = network()
    sample = np.zeros((2, 3), "float32")
    with pytest.raises(AssertionError, match=r"fix: self\.step = self\.add_weight"):
        assert_saves_everything(model, ways=[".keras"], sample_input=sample)
    assert_saves_everything(model, ways=[".keras"], allow=["step"], sample_input=sample)
    safe = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    before = [array.copy() for array in safe.get_weights()]
    assert assert_saves_everything(safe).kept == 2
    assert all(np.array_equal(a, b) for a, b in zip(before, safe.get_weights(), strict=True))
