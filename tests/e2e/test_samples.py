"""Each sample, from its file to the answers of its SavedModel, against an evaluation in NumPy."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.programs import SAMPLES, python, report_of, tfrepair

pytestmark = pytest.mark.tf

SERVE = """
import sys, numpy as np, tensorflow as tf
model, given, served = sys.argv[1:]
signature = tf.saved_model.load(model).signatures["serving_default"]
(name,) = signature.structured_input_signature[1]
np.savez(served, **signature(**{name: tf.constant(np.load(given))}))
"""


@pytest.mark.parametrize(
    ("sample", "weights", "by_order"),
    [
        ("mtcnn-pnet", "det1.npy", 0),
        ("mtcnn-rnet", "det2.npy", 0),
        ("seed-dense", "weights.npy", 4),
    ],
)
def test_a_sample_serves_what_its_network_computes(
    sample: str, weights: str, by_order: int, tmp_path: Path
) -> None:
    folder = SAMPLES / sample
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    done = tfrepair(
        "npy-to-savedmodel", "--json", "--arch", folder / "model.py", folder / weights,
        tmp_path / "out",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = report_of(done)
    assert report["outcome"] == "complete"
    assert len(report["matches"]) == len(expected["source"]["tensors"])
    orders = [match for match in report["matches"] if match["confidence"] == "ORDER"]
    assert len(orders) == by_order
    python(SERVE, tmp_path / "out", folder / "input.npy", tmp_path / "served.npz", cwd=tmp_path)
    with np.load(tmp_path / "served.npz") as served:
        for name, want in expected["outputs"].items():
            np.testing.assert_allclose(
                served[name], want["values"], rtol=0, atol=expected["tolerance"]
            )
