"""Skeletons against TensorFlow: the same bytes as an export, or a refusal that says why."""

import filecmp
from pathlib import Path

import numpy as np
import pytest

from tfrepair.api.conversion import run_conversion
from tfrepair.api.options import Options
from tfrepair.api.skeleton_host import SkeletonHost
from tfrepair.api.skeletons import Skeletons
from tfrepair.architecture.request import arch_request
from tfrepair.core.state import Provenance, ProvenanceKind, State, StateEntry

PLAIN = """
import keras

def build_model():
    layers = [keras.Input((4,)), keras.layers.Dense(3), keras.layers.BatchNormalization()]
    return keras.Sequential([*layers, keras.layers.Dropout(0.2)])
"""
CACHED = """
import tensorflow as tf

class Cached(tf.Module):
    def __init__(self):
        super().__init__()
        self.kernel = tf.Variable(tf.ones((3, 2)), name="kernel")

    @tf.function(input_signature=[tf.TensorSpec((None, 3), tf.float32)])
    def __call__(self, x):
        with tf.init_scope():
            scale = 1 / tf.reduce_sum(self.kernel.read_value())
        return scale * (x @ self.kernel)

def build_model():
    return Cached()
"""


def same(one: Path, other: Path) -> bool:
    names = [{p.relative_to(d) for p in d.rglob("*") if p.is_file()} for d in (one, other)]
    return names[0] == names[1] and all(
        filecmp.cmp(one / name, other / name, shallow=False) for name in names[0]
    )


@pytest.mark.tf
def test_a_filled_skeleton_is_what_tensorflow_would_have_written(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(PLAIN, encoding="utf-8")
    arch = tmp_path / "model.py"
    for seed in range(2):
        draw = np.random.default_rng(seed)
        kernel, *others = [draw.random(shape, np.float32) for shape in ((4, 3), *[(3,)] * 5)]
        names = ("gamma", "beta", "moving_mean", "moving_variance")
        values = {
            f"batch_normalization/{name}": value
            for name, value in zip(names, others[:4], strict=True)
        }
        values |= {"dense/kernel": kernel, "dense/bias": others[-1]}
        np.savez(tmp_path / f"{seed}.npz", **values)  # type: ignore[arg-type]
    kept = Options(skeleton=tmp_path / "kept")
    first = run_conversion(tmp_path / "0.npz", arch, tmp_path / "a", kept)
    assert (first.exit_code, first.obstacle) == (0, "")
    exported = run_conversion(tmp_path / "1.npz", arch, tmp_path / "b", Options())
    never = Skeletons(tmp_path / "kept", may_make=False, may_export=False)
    filled = run_conversion(tmp_path / "1.npz", arch, tmp_path / "c", Options(), skeletons=never)
    assert filled.exit_code == exported.exit_code == 0
    assert same(tmp_path / "b", tmp_path / "c")
    assert not same(tmp_path / "a", tmp_path / "c")


@pytest.mark.tf
def test_a_constant_made_from_weights_stands_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(CACHED, encoding="utf-8")
    kernel = np.random.default_rng(1).random((3, 2), np.float32)
    with SkeletonHost(3, Skeletons(tmp_path / "kept")) as host:
        (variable,) = host.describe(arch_request(str(tmp_path / "model.py")))
        entry = StateEntry(
            path=variable.path,
            shape=variable.shape,
            dtype=variable.dtype,
            provenance=Provenance(kind=ProvenanceKind.READ),
            fetch=lambda: kernel,
        )
        state = State(entries=(entry,))
        assert host.fill(state, tmp_path / "stage", schedule_offset=0) is None
    assert "constants of the graph are made from weights" in host.obstacle
