"""A training goes on from a converted checkpoint as if it had never been interrupted."""

from pathlib import Path

import numpy as np
import pytest

from tests.e2e.programs import python, report_of
from tests.e2e.programs import tfrepair as program

pytestmark = pytest.mark.tf

DATA = """
import numpy as np
rng = np.random.default_rng(5)
x = rng.normal(size=(150, 16, 6)).astype("float32")
y = (x[..., :1] * 2 - x[..., 1:2] + 0.1 * rng.normal(size=(150, 16, 1))).astype("float32")
"""

MODEL = """
import {keras} as keras

def build_model():
    model = keras.Sequential([
        {first},
        keras.layers.Dense(12, activation="tanh", name="hidden"),
        keras.layers.Dense(1, name="out"),
    ])
    model.compile({optimizer}, "mse")
    return model
"""

KERAS_TRAINS = """
import os
os.environ["TF_USE_LEGACY_KERAS"] = "{legacy}"
from data import x, y
import tensorflow as tf
from model import build_model, keras
keras.utils.set_random_seed(4)
model = build_model()
losses = []
for step in range(150):
    if step == 100:
        tf.train.Checkpoint(model=model, optimizer=model.optimizer).write("run/ckpt")
    model.reset_metrics()
    losses.append(float(model.train_on_batch(x[step], y[step])))
import numpy as np
np.savez("run.npz", losses=np.array(losses[100:]), last=model.layers[-1].get_weights()[0])
"""

TF1_TRAINS = """
import sys
from data import x, y
import numpy as np
import tensorflow.compat.v1 as tf
tf.disable_eager_execution()
tf.set_random_seed(4)
def dense(value, units, name):
    with tf.variable_scope(name):
        kernel = tf.get_variable("kernel", (value.shape[1], units))
        bias = tf.get_variable("bias", (units,), initializer=tf.zeros_initializer())
    return tf.matmul(value, kernel) + bias
inputs, labels = tf.placeholder(tf.float32, (None, 6)), tf.placeholder(tf.float32, (None, 1))
outputs = dense(tf.tanh(dense(inputs, 12, "hidden")), 1, "out")
loss = tf.reduce_mean(tf.square(outputs - labels))
rate = tf.get_variable("learning_rate", (), initializer=tf.constant_initializer(0.02),
                       trainable=False)
made = {"adam": lambda: tf.train.AdamOptimizer(rate, epsilon=1e-7),
        "momentum": lambda: tf.train.MomentumOptimizer(rate, 0.9),
        "nesterov": lambda: tf.train.MomentumOptimizer(0.02, 0.85, use_nesterov=True),
        "rmsprop": lambda: tf.train.RMSPropOptimizer(rate, 0.9, 0.8, 1e-7, centered=True)}
train = made[sys.argv[1]]().minimize(loss, tf.train.get_or_create_global_step())
losses = []
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for step in range(150):
        if step == 100:
            tf.train.Saver().save(session, "run/ckpt")
        value, _ = session.run([loss, train], {inputs: x[step], labels: y[step]})
        losses.append(float(value))
    (kernel,) = (v for v in tf.trainable_variables() if v.op.name == "out/kernel")
    last = session.run(kernel)
np.savez("run.npz", losses=np.array(losses[100:]), last=last)
"""

GOES_ON = """
import os
import numpy as np, tensorflow as tf
from data import x, y
loaded = tf.saved_model.load("out")
losses = []
for step in range(100, 150):
    loaded.reset_metrics()
    losses.append(float(loaded.train_step(x[step], y[step])["loss"]))
last = next(value for name, value in loaded.vars.items() if name.endswith("out/kernel"))
np.savez("resumed.npz", losses=np.array(losses), last=last.numpy())
"""


def written(folder: Path, keras: str, optimizer: str) -> None:
    first = "keras.Input((6,))" if keras == "keras" else "keras.layers.InputLayer((6,))"
    text = MODEL.format(keras=keras, first=first, optimizer=optimizer)
    (folder / "model.py").write_text(text, encoding="utf-8")
    (folder / "data.py").write_text(DATA, encoding="utf-8")


def converted(folder: Path, *options: str) -> dict[str, str]:
    """Convert, and return the provenance of the optimizer's variables."""
    done = program(
        "ckpt-to-savedmodel",
        "--json",
        "--arch",
        "model.py",
        *options,
        "run/ckpt",
        "out",
        cwd=folder,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    entries = report_of(done)["optimizer"]
    assert all(entry["sources"] for entry in entries)
    return {f"{entry['variable']}/{entry['slot']}": entry["provenance"] for entry in entries}


def assert_goes_on(folder: Path, *, within: float) -> None:
    python(GOES_ON, cwd=folder)
    run, resumed = np.load(folder / "run.npz"), np.load(folder / "resumed.npz")
    np.testing.assert_allclose(resumed["losses"], run["losses"], rtol=within)
    np.testing.assert_allclose(resumed["last"], run["last"], rtol=within, atol=within)


@pytest.mark.parametrize(("keras", "legacy"), [("keras", 0), ("tf_keras", 1)])
def test_adam_goes_on_from_a_checkpoint(keras: str, legacy: int, tmp_path: Path) -> None:
    written(tmp_path, keras, "keras.optimizers.Adam(0.01)")
    python(KERAS_TRAINS.format(legacy=legacy), cwd=tmp_path)
    provenances = converted(tmp_path, "--keras", "2" if legacy else "3")
    assert set(provenances.values()) == {"read"}
    assert_goes_on(tmp_path, within=1e-6)


@pytest.mark.parametrize(
    ("name", "optimizer"),
    [
        ("adam", "keras.optimizers.Adam(0.5)"),
        ("momentum", "keras.optimizers.SGD(0.5, momentum=0.9)"),
        pytest.param(
            "rmsprop",
            "keras.optimizers.RMSprop(0.5, rho=0.9, momentum=0.8, centered=True)",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_a_training_of_tensorflow_1_goes_on_in_keras_3(
    name: str, optimizer: str, tmp_path: Path
) -> None:
    written(tmp_path, "keras", optimizer)
    python(TF1_TRAINS, name, cwd=tmp_path)
    provenances = converted(tmp_path)
    ways = {"adam": "steps:beta=0.9", "momentum": "scale:-0.02"}
    expected = {"read", f"converted({ways[name]})"} if name in ways else {"read"}
    assert set(provenances.values()) == expected
    assert_goes_on(tmp_path, within=1e-5)


def test_a_model_that_is_not_compiled_goes_on_with_the_optimizer_of_the_graph(
    tmp_path: Path,
) -> None:
    written(tmp_path, "keras", "")
    model = tmp_path / "model.py"
    text = model.read_text(encoding="utf-8").replace('model.compile(, "mse")', "pass")
    model.write_text(text, encoding="utf-8")
    python(TF1_TRAINS, "nesterov", cwd=tmp_path)
    provenances = converted(tmp_path, "--loss", "mse")
    assert any(text.startswith("converted(scale:-0.0") for text in provenances.values())
    assert_goes_on(tmp_path, within=1e-5)
