"""The NumPy networks against sums written out by hand, and the samples against the networks."""

import hashlib
import json
import os
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samples import make_expected
from tests.e2e import numpy_nets

SAMPLES = make_expected.SAMPLES
STORIES = {sample.folder: sample for sample in make_expected.ALL}


def _load(folder: str) -> Any:
    return json.loads((SAMPLES / folder / "expected.json").read_text(encoding="utf-8"))


def _random(seed: int, *shape: int) -> numpy_nets.Array:
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_convolve_is_the_sum_over_each_window(size: int) -> None:
    images, kernel, bias = _random(1, 2, 5, 6, 3), _random(2, size, size, 3, 4), _random(3, 4)
    have = numpy_nets.convolve(images, kernel, bias)
    want = np.empty((2, 6 - size, 7 - size, 4))
    for n, r, c, o in product(*map(range, want.shape)):
        window = images[n, r : r + size, c : c + size, :]
        want[n, r, c, o] = (window * kernel[..., o]).sum() + bias[o]
    np.testing.assert_allclose(have, want, atol=1e-12)


def test_convolve_tells_height_from_width() -> None:
    images, kernel = _random(1, 1, 5, 7, 2), _random(2, 2, 3, 2, 1)
    have = numpy_nets.convolve(images, kernel, np.zeros(1))
    assert have.shape == (1, 4, 5, 1)
    assert have[0, 3, 4, 0] == pytest.approx((images[0, 3:5, 4:7] * kernel[..., 0]).sum())


# What TensorFlow documents for its paddings: length, size, stride -> windows, first row that
# the first window starts at (negative: padding before).
@pytest.mark.parametrize(
    ("length", "size", "stride", "padding", "count", "start"),
    [
        (22, 3, 2, "same", 11, 0),
        (21, 3, 2, "same", 11, -1),
        (9, 3, 2, "valid", 4, 0),
        (10, 2, 2, "same", 5, 0),
        (11, 2, 2, "same", 6, 0),
        (1, 2, 2, "same", 1, 0),
    ],
)
def test_max_pool_sees_the_windows_of_its_padding(
    length: int, size: int, stride: int, padding: str, count: int, start: int
) -> None:
    column = _random(5, length) - 10  # all below zero: padding with zeros would win
    images = np.broadcast_to(column[None, :, None, None], (1, length, length, 1))
    have = numpy_nets.max_pool(images, size, stride, padding)
    want = [
        column[max(start + i * stride, 0) : start + i * stride + size].max() for i in range(count)
    ]
    assert have.shape == (1, count, count, 1)
    np.testing.assert_array_equal(have[0, :, 0, 0], want)


def test_prelu_scales_only_what_is_below_zero() -> None:
    have = numpy_nets.prelu(np.array([[-2.0, -2.0], [3.0, 0.0]]), np.array([0.5, -1.0]))
    np.testing.assert_array_equal(have, [[-1.0, 2.0], [3.0, 0.0]])


def test_softmax_survives_large_scores() -> None:
    have = numpy_nets.softmax(np.array([[1000.0, 1000.0], [0.0, np.log(3.0)]]))
    np.testing.assert_allclose(have, [[0.5, 0.5], [0.25, 0.75]], rtol=1e-15)


@pytest.mark.parametrize("folder", STORIES)
def test_expected_json_is_what_the_network_answers(folder: str) -> None:
    stored, computed = _load(folder), make_expected.expected(STORIES[folder])
    answers, again = stored.pop("outputs"), computed.pop("outputs")
    assert stored == computed
    assert answers.keys() == again.keys()
    for name, answer in answers.items():
        assert answer["shape"] == again[name]["shape"]
        # Not bit for bit: exp() and the order of sums differ between machines.
        np.testing.assert_allclose(answer["values"], again[name]["values"], rtol=0, atol=1e-6)


@pytest.mark.parametrize("folder", STORIES)
def test_the_input_on_disk_is_the_one_that_was_evaluated(folder: str) -> None:
    stored = np.load(SAMPLES / folder / "input.npy")
    assert stored.dtype == np.float32
    np.testing.assert_allclose(stored, STORIES[folder].image, rtol=0, atol=1e-6)
    assert (SAMPLES / folder / "input.npy").stat().st_size <= 50_000


@pytest.mark.parametrize(
    ("path", "sha256"),
    [
        (
            "mtcnn-pnet/det1.npy",
            "3285cf7a3de2651c5784cb9e32013f5919aae95fd1ed1bc371dd9691affb39af",
        ),
        (
            "mtcnn-rnet/det2.npy",
            "716b8b83e42476791c9096f14dbb09fefc88bf5c7ec876b1683f9acd52b3f39c",
        ),
    ],
)
def test_published_files_are_unchanged(path: str, sha256: str) -> None:
    folder = SAMPLES / Path(path).parent
    assert hashlib.sha256((SAMPLES / path).read_bytes()).hexdigest() == sha256
    assert sha256 in (folder / "README.md").read_text(encoding="utf-8")
    assert "Permission is hereby granted" in (folder / "LICENSE.md").read_text(encoding="utf-8")


def test_pnet_finds_the_drawn_faces_where_they_are() -> None:
    faces = np.array(_load("mtcnn-pnet")["outputs"]["probability"]["values"])[..., 1]
    # A cell looks at 12 by 12 pixels from twice its index on; the faces start at (9, 3), (2, 1).
    assert np.unravel_index(faces[0].argmax(), faces[0].shape) == (5, 1)
    assert np.unravel_index(faces[1].argmax(), faces[1].shape) == (2, 1)
    assert faces.max() > 0.999
    assert faces.min() < 0.001


def test_rnet_tells_a_face_from_bare_ground() -> None:
    faces = np.array(_load("mtcnn-rnet")["outputs"]["probability"]["values"])[:, 1]
    assert faces[0] < 0.01
    assert faces[-1] > 0.99


@pytest.mark.tf
@pytest.mark.parametrize(
    ("folder", "shapes"),
    [
        ("mtcnn-pnet", [(1, 12, 12, 3), (2, 13, 16, 3), (1, 37, 50, 3)]),
        ("mtcnn-rnet", [(1, 24, 24, 3), (5, 24, 24, 3)]),
        ("seed-dense", [(1, 10), (64, 10)]),
    ],
)
def test_model_py_is_the_same_network(
    folder: str, shapes: list[tuple[int, ...]], tmp_path: Path
) -> None:
    sample = STORIES[folder]
    inputs = [_random(9, *shape).astype(np.float32) for shape in shapes]
    np.savez(tmp_path / "inputs.npz", *inputs)
    _run_in_keras(folder, sample.weights, tmp_path)
    content = make_expected.read(SAMPLES / folder / sample.weights)
    content = content.item() if content.shape == () else content
    with np.load(tmp_path / "outputs.npz") as outputs:
        for position, values in enumerate(inputs):
            for name, want in sample.evaluate(content, values).items():
                have = outputs[f"{position}/{name}"]
                assert have.shape == want.shape
                np.testing.assert_allclose(have, want, rtol=0, atol=1e-5)


def _run_in_keras(folder: str, weights: str, directory: Path) -> None:
    """Assign by hand in a process of its own, so that this one stays free of TensorFlow."""
    command = [
        sys.executable,
        str(Path(__file__).with_name("keras_by_hand.py")),
        str(SAMPLES / folder / "model.py"),
        str(SAMPLES / folder / weights),
        str(directory),
    ]
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
