"""Files of Keras 2.2, tf.keras and Keras 3 into the same network in Keras 3: outputs as of old."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.programs import python, report_of
from tests.e2e.programs import tfrepair as program
from tests.readers.keras_goldens import FOLDER

pytestmark = pytest.mark.tf

NESTED = """
import keras
from keras import layers as L

def build_model():
    part = L.Input((3,))
    hidden = L.BatchNormalization(name="inner_bn")(L.Dense(3, name="inner_b")(part))
    encoder = keras.Model(part, L.Dense(3, name="inner_a")(hidden), name="encoder")
    left, right = L.Input((3,)), L.Input((3,))
    joined = L.concatenate([encoder(left), encoder(right)])
    model = keras.Model([left, right], L.Dense(2)(L.Dense(3)(joined)))
    optimizer = keras.optimizers.SGD(0.01, momentum=0.9, nesterov=True)
    model.compile(optimizer, "mean_squared_error")
    return model
"""

SERVE = """
import json, sys, numpy as np, tensorflow as tf
loaded = tf.saved_model.load(sys.argv[1])
inputs = [np.float32(value) for value in json.loads(sys.argv[2])]
serve = loaded.signatures["serving_default"]
names = sorted(serve.structured_input_signature[1])
outputs = serve(**{name: tf.constant(value) for name, value in zip(names, inputs)})
np.save("outputs.npy", next(iter(outputs.values())).numpy())
"""


@pytest.mark.parametrize("name", ["keras3/nested.keras", "tf2_3/nested.h5"])
def test_the_network_gives_what_its_writer_computed(name: str, tmp_path: Path) -> None:
    source = FOLDER / name
    (tmp_path / "model.py").write_text(NESTED, encoding="utf-8")
    done = program("convert", "--json", "--arch", tmp_path / "model.py", source, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    report = report_of(done)
    sources = {match["target"]: match["sources"] for match in report["matches"]}
    assert sources["inner_a/kernel"] == ["encoder/inner_a/kernel"]
    assert not report["missing"]
    assert not report["ties"]
    for slot in report["optimizer"]:
        # The learning rate is that of training_config.
        assert slot["provenance"].startswith(("read", "initialised", "converted(constant"))
    held = json.loads((source.parent / "expected.json").read_text())["models"]["nested"]
    python(SERVE, tmp_path / "out", json.dumps(held["inputs"]), cwd=tmp_path)
    np.testing.assert_allclose(np.load(tmp_path / "outputs.npy"), held["outputs"], atol=1e-5)
