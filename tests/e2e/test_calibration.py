"""A lost optimizer is estimated on the way to a SavedModel, which is then trained on from."""

from pathlib import Path

import numpy as np
import pytest

from tests.e2e.programs import report_of
from tests.e2e.programs import tfrepair as program
from tfrepair.api.proving import directory_digest
from tfrepair.api.sources import open_store

pytestmark = pytest.mark.tf

MODEL = """
import keras

def build_model():
    model = keras.Sequential([
        keras.Input((3,)),
        keras.layers.Dense(4, "tanh", name="a"),
        keras.layers.BatchNormalization(name="n"),
        keras.layers.Dense(1, name="b"),
    ], name="net")
    rate = keras.optimizers.schedules.ExponentialDecay(0.01, 100, 0.9)
    model.compile(keras.optimizers.Adam(rate), "mse")
    return model
"""
SHAPES = {
    "net/a/kernel": (3, 4),
    "net/a/bias": (4,),
    "net/n/gamma": (4,),
    "net/n/beta": (4,),
    "net/n/moving_mean": (4,),
    "net/n/moving_variance": (4,),
    "net/b/kernel": (4, 1),
    "net/b/bias": (1,),
}


def test_a_lost_optimizer_is_estimated_and_proved(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(MODEL, encoding="utf-8")
    rng = np.random.default_rng(2)
    weights = {name: rng.uniform(0.1, 1, shape).astype("float32") for name, shape in SHAPES.items()}
    np.savez(tmp_path / "weights.npz", **weights)  # type: ignore[arg-type]
    x = rng.normal(size=(160, 3)).astype("float32")
    np.savez(tmp_path / "data.npz", x=x, y=x[:, 0])
    done = program(
        *("npy-to-savedmodel", "weights.npz", "out", "--arch", "model.py", "--json"),
        *("--calibration", "data.npz", "--calibration-batches", 20, "--batch-size", 16),
        cwd=tmp_path,
    )
    assert done.returncode == 3, done.stdout + done.stderr
    report = report_of(done)
    slots = {e["slot"]: e["provenance"] for e in report["optimizer"] if e["variable"] in SHAPES}
    label = "estimated(data: 20 batches, 18 of them rehearsed)"
    assert slots == {"momentum": label, "velocity": label}
    codes = {finding["code"] for finding in report["findings"]}
    assert {"optimizer-estimated", "calibration-data"} <= codes
    held = {str(tensor.name): tensor.fetch() for tensor in open_store(tmp_path / "out")}
    for name, value in weights.items():
        np.testing.assert_array_equal(held[name], value)
    assert next(value for name, value in held.items() if name.endswith("/iteration")) == 18

    before = directory_digest(tmp_path / "out")
    done = program(
        *("prove", "out", "--data", "data.npz", "--steps", 12, "--json"),
        *("--png", "losses.png", "--html", "losses.html"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    proof = report_of(done)
    assert proof["schema"] == "tfrepair.proof/1"
    assert proof["digest"] == before == directory_digest(tmp_path / "out")
    ours, fresh = proof["curve"]["losses"], proof["reference"]["losses"]
    assert len(ours) == len(fresh) == 12
    # The same weights see the same first batch; then the optimizers part.
    assert ours[0] == fresh[0]
    assert ours[2] != fresh[2]
    assert proof["deviation"] > 0
    assert (tmp_path / "losses.png").stat().st_size > 10_000
    assert "<svg" in (tmp_path / "losses.html").read_text(encoding="utf-8")
