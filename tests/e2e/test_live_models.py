"""Models that are in memory already: converted through the Python API, and left as they were."""

import json
from pathlib import Path

import pytest

from tests.e2e.programs import python

pytestmark = pytest.mark.tf

CODE = """
import json, numpy as np, tensorflow as tf, tf_keras, keras, tfrepair

def state(model):
    return [np.array(v) for v in (*model.variables, *model.optimizer.variables)]

told = {}
model = tf_keras.Sequential([
    tf_keras.layers.Dense(3, input_shape=(4,)), tf_keras.layers.BatchNormalization(),
    tf_keras.layers.Dense(1),
])
model.compile("adam", "mse")
model.fit(np.ones((8, 4)), np.ones((8, 1)), verbose=0)
before = state(model)

# The source is what the model holds: its optimizer belongs to it, and is kept.
np.savez("same.npz", *model.get_weights())
report = tfrepair.convert("same.npz", arch=model, out="same")
told["same"] = [report.exit_code, *{row["provenance"] for row in report.to_json()["optimizer"]}]
loaded = tf.saved_model.load("same")
told["same steps"] = int(loaded.vars["optimizer/iteration"])

# Other weights: the optimizer's state is not theirs.
np.savez("other.npz", *[value + 1 for value in model.get_weights()])
report = tfrepair.convert("other.npz", arch=model, out="other")
told["other"] = [report.exit_code, *{row["provenance"] for row in report.to_json()["optimizer"]}]
loaded = tf.saved_model.load("other")
told["other steps"] = int(loaded.vars["optimizer/iteration"])
np.testing.assert_array_equal(loaded.vars["dense/bias"], model.get_weights()[1] + 1)

for have, want in zip(state(model), before, strict=True):
    np.testing.assert_array_equal(have, want)

class Plain(keras.Model):
    def __init__(self):
        super().__init__()
        self.out = keras.layers.Dense(2)

    def call(self, x):
        return self.out(x)

class Module(tf.Module):  # without super().__init__(), as it is often written
    def __init__(self):
        self.w = tf.Variable(tf.zeros((3, 2)))

    def __call__(self, x):
        return x @ self.w

np.savez("plain.npz", np.ones((3, 2), "float32"), np.zeros(2, "float32"))
try:
    tfrepair.convert("plain.npz", arch=Plain(), out="plain")
except tfrepair.TfrepairError as error:
    told["unbuilt"] = error.remedy
x = np.ones((1, 3), "float32")
told["plain"] = tfrepair.convert("plain.npz", arch=Plain(), out="plain", sample_input=x).exit_code
np.save("module.npy", np.ones((3, 2), "float32"))
told["module"] = tfrepair.convert(
    "module.npy", arch=Module(), out="module", sample_input=tf.constant(x)
).exit_code
print(json.dumps(told))
"""


def test_live_models(tmp_path: Path) -> None:
    told = json.loads(python(CODE, cwd=tmp_path))
    assert told["same"] == [0, "read(live model)"]
    assert told["same steps"] == 1
    assert told["other"] == [0, "initialised"]
    assert told["other steps"] == 0
    assert "sample_input=" in told["unbuilt"]
    assert (told["plain"], told["module"]) == (0, 0)
