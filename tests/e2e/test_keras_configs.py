"""Keras files without ``--arch``: architecture, optimizer and loss are the file's own."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.programs import ROOT, python, quiet_environment, report_of
from tests.e2e.programs import tfrepair as program
from tests.readers.keras_goldens import FOLDER, KerasGolden, keras_goldens

pytestmark = pytest.mark.tf

BETWEEN = ("tf1_15", "keras2_0", "keras2_3", "tf2_4", "tf2_10", "tf2_15")
"""Writers of which two models are built here; ``scripts/keras_conversions.py`` takes all."""
GOLDENS = tuple(
    golden
    for golden in keras_goldens()
    if golden.has_config
    and (golden.path.parent.name not in BETWEEN or golden.case in ("nested", "rnn"))
)
MOVED = ("keras1/cnn.h5", "keras1/rnn.h5", "tf2_3/nested.h5", "tf2_3/both.h5")
TOLERANCE = 1e-5
Outcome = Mapping[tuple[str, int | None], dict[str, Any]]


def asked() -> list[tuple[KerasGolden, int | None]]:
    """Return every file in its own Keras, and some old ones in Keras 3 too."""
    own: list[tuple[KerasGolden, int | None]] = [(golden, None) for golden in GOLDENS]
    return own + [(golden, 3) for golden in GOLDENS if golden.id in MOVED]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Build all files in one process."""
    listed = tmp_path_factory.mktemp("configs") / "files.json"
    listed.write_text(json.dumps([[str(golden.path), keras] for golden, keras in asked()]))
    done = subprocess.run(
        [sys.executable, "-m", "tests.e2e.built_configs", str(listed)],
        check=False,
        capture_output=True,
        text=True,
        env=quiet_environment(),
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {(entry["path"], entry["keras"]): entry for entry in found}


@pytest.mark.parametrize(
    ("golden", "keras"), asked(), ids=[f"{golden.id}-{keras}" for golden, keras in asked()]
)
def test_outputs_are_those_of_the_writer(
    built: Outcome, golden: KerasGolden, keras: int | None
) -> None:
    found = built[str(golden.path), keras]
    assert not isinstance(found["error"], str), found["error"]
    assert not found["missing"]
    assert not found["ties"]
    assert found["error"] < TOLERANCE
    assert found["optimizer"] == golden.model["optimizer"]
    assert found["has_loss"]
    assert found["slots"] == found["slots_filled"] > 0
    codes = [finding["code"] for finding in found["findings"]]
    assert codes.count("architecture-from-file") == codes.count("training-from-file") == 1
    is_new = golden.path.parent.name == "keras3"
    assert found["framework"] == ("keras3" if is_new or keras == 3 else "keras2")


WRITE = """
import os
os.environ["TF_USE_LEGACY_KERAS"] = "1"
import numpy as np, tf_keras
from tf_keras import layers as L
rng = np.random.default_rng(3)
x = rng.normal(size=(16, 4)).astype("float32")
y = np.eye(3, dtype="float32")[rng.integers(0, 3, 16)]
model = tf_keras.Sequential([L.Dense(5, "relu", input_shape=(4,)), L.BatchNormalization(),
                             L.Dense(3, "softmax")])
nadam = tf_keras.optimizers.legacy.Nadam(0.01)
model.compile(nadam, "categorical_crossentropy", ["categorical_accuracy"])
model.fit(x, y, epochs=3, verbose=0)
model.save("run.h5")
tf_keras.models.save_model(model, "saved", save_format="tf")
np.savez("batch.npz", x=x, y=y)
"""

STEPS = """
import os
os.environ["TF_USE_LEGACY_KERAS"] = "1"
import numpy as np, tensorflow as tf, tf_keras
batch = np.load("batch.npz")
own = tf_keras.models.load_model("run.h5")
ours = tf.saved_model.load("out")
for _ in range(2):
    own.train_on_batch(batch["x"], batch["y"])
    ours.signatures["train_step"](x=tf.constant(batch["x"]), y=tf.constant(batch["y"]))
serve = ours.signatures["serving_default"]
(name,) = serve.structured_input_signature[1]
(found,) = serve(**{name: tf.constant(batch["x"])}).values()
assert type(own.optimizer).__module__.endswith("legacy.nadam")
print(float(np.abs(found.numpy() - own.predict(batch["x"], verbose=0)).max()))
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train with Nadam as tf.keras had it, and save as H5 and as SavedModel."""
    folder = tmp_path_factory.mktemp("run")
    python(WRITE, cwd=folder)
    return folder


def test_a_further_step_is_that_of_tf_keras(run: Path) -> None:
    done = program("plan", "run.h5", "-o", "plan.toml", cwd=run)
    assert done.returncode == 0, done.stderr
    assert 'arch = {path = "run.h5"' in (run / "plan.toml").read_text()
    done = program("h5-to-savedmodel", "--json", "--plan", "plan.toml", "run.h5", "out", cwd=run)
    assert done.returncode == 0, done.stderr
    report = report_of(done)
    slots = [entry for entry in report["optimizer"] if entry["slot"] in ("m", "v")]
    assert len(slots) == 12
    assert {entry["provenance"] for entry in slots} == {"read"}
    messages = [finding["message"] for finding in report["findings"]]
    assert any("Nadam at learning rate 0.01" in message for message in messages)
    assert float(python(STEPS, cwd=run)) < 1e-7


def test_a_saved_model_of_tf_keras_is_its_own_architecture(run: Path) -> None:
    done = program("convert", "--json", "--dry-run", "saved", "never", cwd=run)
    assert done.returncode == 0, done.stderr
    report = report_of(done)
    assert len(report["matches"]) >= 8


CUSTOM = """
import tensorflow as tf
from tensorflow import keras

class Scale(keras.layers.Layer):
    def __init__(self, factor=1.0, **rest):
        super().__init__(**rest)
        self.factor = factor
    def call(self, x):
        return x * self.factor

def cube(x):
    return x * x * x
"""


def test_custom_objects_of_a_configuration(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(CUSTOM, encoding="utf-8")
    config = {
        "class_name": "Sequential",
        "config": {
            "name": "net",
            "layers": [
                {"class_name": "Dense", "config": {"name": "d", "units": 2, "activation": "cube",
                 "batch_input_shape": [None, 3]}},
                {"class_name": "Scale", "config": {"name": "s", "factor": 3.0}},
            ],
        },
        "keras_version": "2.4.0",
    }  # fmt: skip
    (tmp_path / "net.json").write_text(json.dumps(config), encoding="utf-8")
    make = "import numpy as np\nnp.savez('w.npz', **{'d/kernel': np.ones((3, 2), 'float32'),"
    python(f"{make} 'd/bias': np.ones(2, 'float32')}})", cwd=tmp_path)
    words = ("convert", "w.npz", "out", "--arch", "net.json")
    refused = program(*words, cwd=tmp_path)
    assert refused.returncode == 7
    assert "layer 's': the class Scale is not Keras' own" in refused.stderr
    assert "--custom-objects" in refused.stderr
    done = program(*words, "--custom-objects", "mine.py", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    code = (
        "import tensorflow as tf; f = tf.saved_model.load('out').signatures['serving_default']\n"
        "(n,) = f.structured_input_signature[1]\n"
        "(y,) = f(**{n: tf.ones((1, 3))}).values(); print(float(y[0, 0]))"
    )
    assert float(python(code, cwd=tmp_path)) == 192.0
    (tmp_path / "empty.py").write_text("cube = None\n", encoding="utf-8")
    lacking = program(*words, "--overwrite", "--custom-objects", "empty.py", cwd=tmp_path)
    assert lacking.returncode == 7
    assert "does not define Scale (wanted by 's')" in lacking.stderr


def test_the_configuration_of_another_file(tmp_path: Path) -> None:
    source = FOLDER / "keras2_2" / "cnn_only.h5"
    whole = FOLDER / "keras2_2" / "cnn.h5"
    given = program("convert", "--json", "--dry-run", "--arch", whole, source, tmp_path / "out")
    assert given.returncode == 0, given.stderr
    assert not report_of(given)["missing"]
