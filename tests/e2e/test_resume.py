"""A training that is saved in the middle goes on from the SavedModel alone, bit for bit."""

from pathlib import Path

import numpy as np
import pytest

from tests.e2e.programs import python

FIRST = """
import numpy as np, keras, tfrepair
keras.utils.set_random_seed(3)
model = keras.Sequential([
    keras.Input((10,)), keras.layers.Dense(32, activation="relu"),
    keras.layers.BatchNormalization(), keras.layers.Dropout(0.2), keras.layers.Dense(1),
])
model.compile("adam", "mse", metrics=["mae"])
rng = np.random.default_rng(0)
x = rng.normal(size=(200, 16, 10)).astype("float32")
y = (x[..., :1] * 2 + rng.normal(size=(200, 16, 1))).astype("float32")
losses = []
for step in range(200):
    if step == 100:
        np.savez("weights.npz", *model.get_weights())
        before = [value.copy() for value in model.get_weights()]
        report = tfrepair.convert("weights.npz", arch=model, out="out")
        assert report.exit_code == 0, report.findings
        for have, want in zip(model.get_weights(), before, strict=True):
            np.testing.assert_array_equal(have, want)
    losses.append(model.train_on_batch(x[step], y[step]))
np.savez("run.npz", x=x, y=y, losses=np.array(losses), last=model.get_weights()[0])
"""

SECOND = """
import sys, numpy as np, tensorflow as tf
assert "tfrepair" not in sys.modules
run = np.load("run.npz")
loaded = tf.saved_model.load("out")
losses = []
for step in range(100, 200):
    loaded.reset_metrics()
    logs = loaded.train_step(run["x"][step], run["y"][step])
    losses.append([float(logs["loss"]), float(logs["mae"])])
kernel = next(value for name, value in loaded.vars.items() if name.endswith("dense/kernel"))
np.savez("resumed.npz", losses=np.array(losses), last=kernel.numpy())
"""


@pytest.mark.tf
def test_a_resumed_training_equals_the_uninterrupted_one(tmp_path: Path) -> None:
    python(FIRST, cwd=tmp_path)
    python(SECOND, cwd=tmp_path)
    run, resumed = np.load(tmp_path / "run.npz"), np.load(tmp_path / "resumed.npz")
    np.testing.assert_array_equal(resumed["losses"], run["losses"][100:].astype("float64"))
    np.testing.assert_array_equal(resumed["last"], run["last"])
