"""The four stories that the project began with, as a user meets them."""

from pathlib import Path

import numpy as np
import pytest

from tests.e2e.programs import python, report_of, tfrepair

DENSE = """
import keras

def build_model():
    model = keras.Sequential(
        [keras.Input((10,)), keras.layers.Dense(128, activation="relu"), keras.layers.Dense(1)]
    )
    model.compile(optimizer="adam", loss="mse")
    return model
"""

TRAIN = """
import numpy as np, keras
from model import build_model
keras.utils.set_random_seed(1)
model = build_model()
rng = np.random.default_rng(0)
x = rng.normal(size=(256, 10)).astype("float32")
model.fit(x, x[:, :1] ** 2, epochs=2, verbose=0)
weights = model.get_weights()
listed = np.empty(len(weights), dtype=object)
listed[:] = weights
np.save("weights.npy", listed, allow_pickle=True)
np.savez("kept.npz", x=x[:5], predictions=model.predict(x[:5], verbose=0), *weights)
"""

RELOAD = """
import sys, numpy as np, tensorflow as tf
loaded = tf.saved_model.load("out")
kept = np.load("kept.npz")
served = loaded.serve(tf.constant(kept["x"])).numpy()
np.savez("reloaded.npz", served=served, **{k: v.numpy() for k, v in loaded.vars.items()})
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    (folder / "model.py").write_text(DENSE, encoding="utf-8")
    python(TRAIN, cwd=folder)
    return folder


@pytest.mark.tf
def test_weights_survive_element_for_element(trained: Path) -> None:
    done = tfrepair("npy-to-savedmodel", "--arch", "model.py", "weights.npy", "out", cwd=trained)
    assert done.returncode == 0, done.stderr
    assert "complete" in done.stdout
    python(RELOAD, cwd=trained)
    kept, reloaded = np.load(trained / "kept.npz"), np.load(trained / "reloaded.npz")
    names = [name for name in reloaded if name.endswith(("/kernel", "/bias"))]
    assert len(names) == 4
    for place, name in enumerate(names):
        np.testing.assert_array_equal(reloaded[name], kept[f"arr_{place}"])
    np.testing.assert_allclose(reloaded["served"], kept["predictions"], rtol=1e-6, atol=1e-7)


@pytest.mark.tf
def test_without_an_architecture_it_says_what_is_missing(trained: Path) -> None:
    done = tfrepair("npy-to-savedmodel", "weights.npy", "nothing", cwd=trained)
    assert done.returncode == 2
    assert "--arch model.py" in done.stderr
    assert "build_model()" in done.stderr
    assert not (trained / "nothing").exists()


CUSTOM = """
import keras

class Linear(keras.layers.Layer):
    def __init__(self, units):
        super().__init__()
        self.units = units

    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], self.units), name="w")
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", name="b")

    def call(self, x):
        return x @ self.w + self.b

model = keras.Sequential([keras.Input((10,)), Linear(4), keras.layers.Dense(1)])
"""

SERVE_ALONE = """
import sys, numpy as np, tensorflow as tf
assert "model" not in sys.modules
loaded = tf.saved_model.load(sys.argv[1])
x = np.load(sys.argv[2])
np.save(sys.argv[3], loaded.serve(tf.constant(x)).numpy())
"""


@pytest.mark.tf
def test_a_custom_layer_is_served_without_its_class(tmp_path: Path) -> None:
    code, data = tmp_path / "code", tmp_path / "data"
    code.mkdir()
    data.mkdir()
    (code / "model.py").write_text(CUSTOM, encoding="utf-8")
    rng = np.random.default_rng(5)
    values = [rng.normal(size=shape).astype("float32") for shape in ((10, 4), (4,), (4, 1), (1,))]
    listed = np.empty(4, dtype=object)
    listed[:] = values
    np.save(data / "weights.npy", listed, allow_pickle=True)
    done = tfrepair(
        "npy-to-savedmodel", "--json", "--arch", code / "model.py", data / "weights.npy",
        data / "out",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    targets = [match["target"].split("/")[-1] for match in report_of(done)["matches"]]
    assert targets == ["w", "b", "kernel", "bias"]
    (code / "model.py").unlink()
    x = rng.normal(size=(3, 10)).astype("float32")
    np.save(data / "x.npy", x)
    python(SERVE_ALONE, "out", "x.npy", "y.npy", cwd=data)
    want = (x @ values[0] + values[1]) @ values[2] + values[3]
    np.testing.assert_allclose(np.load(data / "y.npy"), want, rtol=1e-5, atol=1e-6)


UNTRACKED = """
import keras, tensorflow as tf

class Counter:
    def __init__(self):
        self.factor = tf.Variable([2.0, 3.0])

class Stateful(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.offset = tf.Variable(5.0)
        self.counter = Counter()

    def call(self, x):
        return x * self.counter.factor + self.offset

def build_model():
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), Stateful()])
"""

LIVE = """
import sys, numpy as np, tensorflow as tf, tfrepair
sys.path.insert(0, ".")
from model import build_model
model = build_model()
model.layers[-1].offset.assign(7.0)
model.layers[-1].counter.factor.assign([4.0, 5.0])
np.savez("weights.npz", *model.get_weights())
report = tfrepair.convert("weights.npz", arch=model, out="live")
print(report.exit_code, *[f"{f.severity}:{f.where}" for f in report.findings])
x = np.ones((1, 3), "float32")
want = model(x).numpy()
loaded = tf.saved_model.load("live")
have = loaded.serve(tf.constant(x)).numpy()
np.testing.assert_array_equal(have, want)
"""


@pytest.mark.tf
def test_state_that_keras_does_not_track_is_named_and_held(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(UNTRACKED, encoding="utf-8")
    out = python(LIVE, cwd=tmp_path)
    code, *found = out.split()
    assert code == "0"
    assert "warning:captured/stateful/offset" in found
    assert "warning:captured/stateful/counter/factor" in found
    done = tfrepair(
        "npy-to-savedmodel", "--json", "--arch", "model.py", "weights.npz", "out", cwd=tmp_path
    )
    # From the list alone the untracked values are lost: written, and said.
    assert done.returncode == 3
    losses = {f["where"] for f in report_of(done)["findings"] if f["severity"] == "loss"}
    assert losses == {"captured/stateful/offset", "captured/stateful/counter/factor"}
