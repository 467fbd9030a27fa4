"""Stop, read, edit, run again: a plan settles what planning does not decide."""

from pathlib import Path

import numpy as np
import pytest

from tests.e2e.programs import python, tfrepair

MODEL = """
import keras

model = keras.Sequential([
    keras.Input((4,)), keras.layers.BatchNormalization(name="a"),
    keras.layers.BatchNormalization(name="b"),
])
"""

GAMMAS = """
import tensorflow as tf
loaded = tf.saved_model.load("out")
print(*[loaded.vars[f"sequential/{name}/gamma"].numpy()[0] for name in "ab"])
"""


@pytest.mark.tf
def test_a_tie_is_refused_and_settled_by_an_edited_plan(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(MODEL, encoding="utf-8")
    # Eight arrays of one shape fit more than one list order.
    np.savez(tmp_path / "weights.npz", *[np.full(4, k + 1, "float32") for k in range(8)])
    done = tfrepair("plan", "weights.npz", "--arch", "model.py", "-o", "plan.toml", cwd=tmp_path)
    assert done.returncode == 4, done.stderr
    plan = tmp_path / "plan.toml"
    text = plan.read_text(encoding="utf-8")
    assert "[ties]" in text
    lines = [
        f'"sequential/{layer}/{leaf}" = "arr_{4 * place + offset}"'
        for place, layer in enumerate("ab")
        for offset, leaf in enumerate(("gamma", "beta", "moving_mean", "moving_variance"))
    ]
    head, _, _ = text.partition("[map]")
    plan.write_text(head + "[map]\n" + "\n".join(lines) + "\n", encoding="utf-8")
    # The plan knows its architecture.
    done = tfrepair("convert", "weights.npz", "out", "--plan", "plan.toml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "MANUAL" in done.stdout
    assert python(GAMMAS, cwd=tmp_path).split() == ["1.0", "5.0"]
    (tmp_path / "model.py").write_text(MODEL + "# changed\n", encoding="utf-8")
    done = tfrepair(
        "convert", "weights.npz", "out", "--plan", "plan.toml", "--overwrite", cwd=tmp_path
    )
    assert done.returncode == 4
    assert "another architecture" in done.stderr
