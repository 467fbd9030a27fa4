"""``ckpt-to-savedmodel`` on saves of several TensorFlow versions, and on damaged ones."""

import gzip
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import tfrepair
from tests.e2e.programs import python, report_of
from tests.e2e.programs import tfrepair as program
from tfrepair.core.tensor import Array

pytestmark = pytest.mark.tf

GOLDEN = Path(__file__).parents[1] / "golden" / "tf_checkpoint"

NET = """
import keras

def build_model():
    return keras.Sequential([
        keras.Input((3,), dtype="int32"),
        keras.layers.Embedding(7, 4, name="emb"),
        keras.layers.GlobalAveragePooling1D(),
        keras.layers.Dense(2, name="dense"),
    ])
"""

VARIABLES = """
import sys, numpy as np, tensorflow as tf
loaded = tf.saved_model.load(sys.argv[1])
np.savez("variables.npz", **{k.replace("/", "|"): v.numpy() for k, v in loaded.vars.items()})
"""


def variables(model: Path, cwd: Path) -> dict[str, Array]:
    python(VARIABLES, model, cwd=cwd)
    with np.load(cwd / "variables.npz") as archive:
        return {name.replace("|", "/"): archive[name] for name in archive.files}


@pytest.mark.parametrize("writer", ["tf1_4", "tf1_15"])
@pytest.mark.parametrize("member", ["training.v1", "training.v2", "training.v2.index"])
def test_savers_of_tensorflow_1(writer: str, member: str, tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(NET, encoding="utf-8")
    save = GOLDEN / writer / member
    done = program(
        "ckpt-to-savedmodel", "--json", "--arch", tmp_path / "model.py", save, tmp_path / "out"
    )
    assert done.returncode == 0, done.stderr
    report = report_of(done)
    sources = {match["target"].split("/", 1)[1]: match["sources"] for match in report["matches"]}
    assert sources == {
        "emb/embeddings": ["net/emb"],
        "dense/kernel": ["net/dense/kernel"],
        "dense/bias": ["net/dense/bias"],
    }
    reasons = {left["source"]: left["reason"] for left in report["leftover"]}
    assert reasons["net/dense/kernel/Adam"].startswith("slot")
    assert {match["health"] for match in report["matches"]} == {"verified"}
    store = tfrepair.open(save)
    for name, value in variables(tmp_path / "out", tmp_path).items():
        (source,) = sources[name.split("/", 1)[1]]
        np.testing.assert_array_equal(value, store[source].fetch())


def test_averages_serve_on_request(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(NET, encoding="utf-8")
    save = GOLDEN / "tf1_15" / "training.v2"
    report = tfrepair.convert(
        save, arch=tmp_path / "model.py", out=tmp_path / "out", use_averages=True
    )
    assert report.exit_code == 0
    kernel = variables(tmp_path / "out", tmp_path)["sequential/dense/kernel"]
    store = tfrepair.open(save)
    average = store["net/dense/kernel/ExponentialMovingAverage"].fetch()
    np.testing.assert_array_equal(kernel, average)
    assert not np.array_equal(average, store["net/dense/kernel"].fetch())


TRAIN = """
import numpy as np, keras, tensorflow as tf
keras.utils.set_random_seed(1)
from model import build_model
model = build_model()
x = np.arange(12).reshape(4, 3) % 7
model.compile("adam", "mse")
model.fit(x, np.ones((4, 2)), epochs=3, verbose=0)
tf.train.Checkpoint(model=model, optimizer=model.optimizer).save("run/ckpt")
np.savez("kept.npz", x=x, y=model.predict(x, verbose=0))
"""

SERVE = """
import numpy as np, tensorflow as tf
loaded = tf.saved_model.load("out")
kept = np.load("kept.npz")
served = loaded.serve(tf.constant(kept["x"], tf.int32)).numpy()
np.testing.assert_allclose(served, kept["y"], rtol=1e-6, atol=1e-7)
"""


def test_a_training_of_today_by_its_directory(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(NET, encoding="utf-8")
    python(TRAIN, cwd=tmp_path)
    done = program("ckpt-to-savedmodel", "--arch", "model.py", "run", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    python(SERVE, cwd=tmp_path)


def test_a_damaged_tensor_costs_itself_only(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(NET, encoding="utf-8")
    for file in (GOLDEN / "tf1_15").glob("training.v2*"):
        shutil.copy(file, tmp_path)
    store = tfrepair.open(tmp_path / "training.v2")
    offset = store["net/dense/kernel"].origin.offset
    assert offset is not None
    data = tmp_path / "training.v2.data-00000-of-00001"
    content = bytearray(data.read_bytes())
    content[offset : offset + 8] = b"\0" * 8
    data.write_bytes(content)
    options = ("--json", "--arch", tmp_path / "model.py", tmp_path / "training.v2")
    done = program("ckpt-to-savedmodel", *options, tmp_path / "out")
    assert done.returncode == 4
    (gap,) = report_of(done)["missing"]
    assert gap["target"].endswith("dense/kernel")
    assert "corrupt" in gap["reason"]
    done = program("ckpt-to-savedmodel", *options, "--allow-missing", tmp_path / "out")
    assert done.returncode == 3
    healthy = variables(tmp_path / "out", tmp_path)["sequential/emb/embeddings"]
    np.testing.assert_array_equal(healthy, store["net/emb"].fetch())


SIGNATURE = """
import sys, json, numpy as np, tensorflow as tf
signature = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
print(json.dumps(sorted(signature.structured_input_signature[1])))
"""


@pytest.mark.parametrize("writer", ["tf1_4", "tf1_15"])
def test_the_graph_beside_a_checkpoint_is_its_architecture(writer: str, tmp_path: Path) -> None:
    folder = GOLDEN.parent / "metagraph" / writer
    for file in folder.glob("layers.ckpt.*"):
        if file.suffix == ".gz":
            (tmp_path / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
        else:
            shutil.copy(file, tmp_path)
    done = program("ckpt-to-savedmodel", "--json", "layers.ckpt", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = report_of(done)
    assert {match["confidence"] for match in report["matches"]} == {"CERTAIN"}
    assert report["verify"]["forward"]["max_abs"] <= 1e-6
    names = {signature["name"] for signature in report["signatures"]}
    assert "serving_default" in names
    inputs = json.loads(python(SIGNATURE, tmp_path / "out", cwd=tmp_path))
    (serving,) = [s for s in report["signatures"] if s["name"] == "serving_default"]
    assert inputs == sorted(spec["name"] for spec in serving["inputs"])


RESTORE = """
import sys, numpy as np, tensorflow as tf
v1 = tf.compat.v1
v1.disable_eager_execution()
reader = tf.train.load_checkpoint(sys.argv[1])
variables = [
    v1.get_variable(name, shape, reader.get_variable_to_dtype_map()[name])
    for name, shape in reader.get_variable_to_shape_map().items()
]
with v1.Session() as session:
    v1.train.Saver(variables).restore(session, sys.argv[1])
    np.savez("restored.npz", **dict(zip([v.op.name.replace("/", "|") for v in variables],
                                        session.run(variables))))
"""


def test_a_rewritten_save_restores_through_tensorflow_s_own_saver(tmp_path: Path) -> None:
    old = GOLDEN / "tf1_4" / "training.v1"
    done = program("convert", old, tmp_path / "new", "--to", "checkpoint")
    assert done.returncode == 0, done.stderr
    python(RESTORE, tmp_path / "new" / "model.ckpt", cwd=tmp_path)
    with np.load(tmp_path / "restored.npz") as restored:
        store = tfrepair.open(old)
        assert {name.replace("|", "/") for name in restored.files} == set(store.by_name)
        for tensor in store:
            np.testing.assert_array_equal(restored[tensor.name.replace("/", "|")], tensor.fetch())
