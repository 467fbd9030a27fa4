"""Files of every era of Keras into the same networks in Keras 3: outputs as the writers computed.

One process fills every network from every golden file; the whole way, to a SavedModel that is
served, is gone by two of them.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.e2e.keras_layout_models import FOLDER, MODELS
from tests.e2e.programs import ROOT, python, quiet_environment, report_of
from tests.e2e.programs import tfrepair as program
from tests.e2e.test_keras_files import SERVE
from tests.readers import keras_goldens

pytestmark = pytest.mark.tf

RECORDS = {record.parent.name: json.loads(record.read_text()) for record in FOLDER.glob("*/*.json")}
FILES = [
    (f"{writer}/{name}", case)
    for writer, held in sorted(RECORDS.items())
    for case, model in held["models"].items()
    for name in model["files"]
]
# Weights alone of Keras 1 do not say whether the filters come first, those of Theano not how the
# image was flattened: what no shape tells is asked, and nothing else is.
AXES, ROWS, GATES = "axes-in-doubt", "rows-in-doubt", "no tensor has its name"
OPEN = {
    "keras1/square_only.h5": AXES,
    "keras1_theano/square_only.h5": AXES,
    "keras1_theano_last/square_only.h5": AXES,
    "keras1_theano/convs_only.h5": ROWS,
    "keras1_theano/films_only.h5": ROWS,
    "keras1/films_only.h5": GATES,
    "keras2_2_theano/square_only.h5": ROWS,
    "keras2_2_theano/convs_only.h5": ROWS,
    "keras2_2_theano/films_only.h5": ROWS,
    "keras2_2_theano/lines_only.h5": ROWS,
    "keras2_2_theano/lines.h5": ROWS,
}


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    import subprocess

    out = tmp_path_factory.mktemp("layouts") / "out.json"
    code = "from tests.e2e.keras_layout_models import main; from pathlib import Path; main(Path(X))"
    done = subprocess.run(
        [sys.executable, "-c", code.replace("X", repr(str(out)))],
        check=False,
        capture_output=True,
        text=True,
        env=quiet_environment(),
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(out.read_text())


def test_there_are_goldens_of_every_era() -> None:
    writers = {held["writer"].rpartition(".")[0] for held in RECORDS.values()}
    assert writers >= {"keras 1.2", "keras 2.0", "keras 2.2", "keras 2.3"}
    assert {case for _, case in FILES} == set(MODELS)
    assert all(path.stat().st_size <= 50_000 for path in FOLDER.glob("*/*"))


@pytest.mark.parametrize(("file", "case"), FILES, ids=[file for file, _ in FILES])
def test_outputs_are_the_writers_or_the_plan_asks(file: str, case: str, computed: Any) -> None:
    found = computed[file]
    if file in OPEN:
        assert "outputs" not in found
        reasons = (*found["errors"], *found["missing"])
        assert any(OPEN[file] in reason for reason in reasons)
        return
    assert not found["missing"]
    assert not found["ties"]
    assert not found["leftover"]
    expected = RECORDS[file.partition("/")[0]]["models"][case]["outputs"]
    np.testing.assert_allclose(found["outputs"], expected, atol=1e-5)


@pytest.mark.parametrize("writer", ["keras1", "keras2_0", "keras2_2"])
def test_a_function_that_changed_is_reported(writer: str, computed: Any) -> None:
    assert "hard-sigmoid-changed" in computed[f"{writer}/cells.h5"]["findings"]
    assert "recurrent-activation-unknown" in computed[f"{writer}/cells_only.h5"]["findings"]
    for file in ("tf2_10/cells.h5", "tf2_10/cells_only.h5"):
        found = computed[file]["findings"]
        assert not {"hard-sigmoid-changed", "recurrent-activation-unknown"} & set(found)


CNN = """
import keras
from keras import layers as L

def build_model():
    model = keras.Sequential([
        keras.Input((6, 5, 2)),
        L.Conv2D(3, 3, name="conv_a", activation="relu"),
        L.BatchNormalization(name="bn_a"),
        L.Flatten(name="flat"),
        L.Dense(4, name="dense_1", activation="tanh"),
        L.Dense(2, name="dense_10"),
    ])
    model.compile(keras.optimizers.Adam(0.01, epsilon=1e-8), "mean_squared_error")
    return model
"""


def test_a_network_of_keras_1_on_theano_is_served(tmp_path: Path) -> None:
    """Kernels turned, axes and rows reordered, and the slots of Adam with them."""
    folder = keras_goldens.FOLDER / "keras1_theano"
    (tmp_path / "model.py").write_text(CNN, encoding="utf-8")
    done = program(
        "h5-to-savedmodel", "--json", "--arch", tmp_path / "model.py", folder / "cnn.h5",
        tmp_path / "out",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = report_of(done)
    rules = {match["target"]: match["transform"] for match in report["matches"]}
    assert rules["sequential/conv_a/kernel"] == "transpose:2,3,1,0|flip:0,1"
    slots = {entry["variable"]: entry["provenance"] for entry in report["optimizer"]}
    assert slots["sequential/conv_a/kernel"] == "converted(transpose:2,3,1,0|flip:0,1)"
    (count,) = (m for m in report["matches"] if m["target"].endswith("/iteration"))
    assert (count["sources"], count["transform"]) == (["optimizer/iterations"], "cast:int64")
    held = json.loads((folder / "expected.json").read_text())["models"]["cnn"]
    inputs = np.moveaxis(np.asarray(held["inputs"]), 1, -1).tolist()
    python(SERVE, tmp_path / "out", json.dumps([inputs]), cwd=tmp_path)
    np.testing.assert_allclose(np.load(tmp_path / "outputs.npy"), held["outputs"], atol=1e-5)
