"""Estimates of lost slots, for every optimizer, and everything else as it was."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tfrepair.architecture.request import arch_request
from tfrepair.core.architecture import Architecture, VariablePath
from tfrepair.core.calibration import Role
from tfrepair.core.errors import ArchitectureError
from tfrepair.core.plan import Confidence, Match
from tfrepair.core.tensor import Array, SourceName
from tfrepair.core.transform import IDENTITY
from tfrepair.planning.consistency import decide
from tfrepair.planning.dialects.slot_meanings import MEANINGS
from tfrepair.planning.estimates import task_of
from tfrepair.planning.wanted_optimizer import wanted_optimizer
from tfrepair.tfhost.client import ChildHost
from tfrepair.tfhost.protocol import Calibrated, CalibrateRequest, ValueFile
from tfrepair.tfhost.training_requests import DataRequest

pytestmark = pytest.mark.tf

BATCHES, SIZE = 16, 8
RESTLESS = """
import {keras} as keras

def build_model():
    model = keras.Sequential([
        {first},
        keras.layers.Dense(4, "relu", name="a"),
        keras.layers.BatchNormalization(name="n"),
        keras.layers.Dropout({rate}, seed=3),
        keras.layers.Dense(1, name="b"),
    ])
    model.compile({optimizer}, "mse")
    return model
"""
LINEAR = """
import keras

def build_model():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, name="b")])
    model.compile(keras.optimizers.{optimizer}, "mse")
    return model
"""
QUICK = ("Adam", "RMSprop", "legacy Adam")
OPTIMIZERS = {
    "Adam": (3, "Adam(0.01, amsgrad=True)"),
    "AdamW": (3, "AdamW(keras.optimizers.schedules.ExponentialDecay(0.01, 10, 0.9))"),
    "Nadam": (3, "Nadam(0.01)"),
    "Adamax": (3, "Adamax(0.01)"),
    "RMSprop": (3, "RMSprop(0.01, centered=True, momentum=0.5)"),
    "Adadelta": (3, "Adadelta(1.0)"),
    "SGD": (3, "SGD(0.01, momentum=0.9, clipnorm=1.0)"),
    "Ftrl": (3, "Ftrl(0.01)"),
    "Lion": (3, "Lion(0.001)"),
    "Lamb": (3, "Lamb(0.01)"),
    "LossScale": (3, "LossScaleOptimizer(keras.optimizers.Adam(0.01))"),
    "tf_keras Adam": (2, "Adam(0.01)"),
    "legacy Adam": (2, "legacy.Adam(0.01)"),
}


def data(folder: Path) -> tuple[Array, Array]:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(BATCHES, SIZE, 3)).astype("float32")
    y = (x[..., :1] - 2 * x[..., 1:2]).astype("float32")
    np.savez(folder / "data.npz", x=x, y=y)
    return x, y


def described(host: ChildHost, folder: Path, text: str) -> Architecture:
    path = folder / "model.py"
    path.write_text(text, encoding="utf-8")
    return host.describe(arch_request(str(path)))


def request_of(architecture: Architecture, folder: Path, **given: object) -> CalibrateRequest:
    wanted = wanted_optimizer(architecture)
    assert wanted is not None
    assert wanted.family is not None
    unit = decide(
        wanted,
        {variable.path: "lost" for variable, _ in wanted.slots},
        {variable.path: match_of(variable.path) for variable in architecture.weights},
        0.01,
        frozenset(MEANINGS[wanted.family.name]),
    )
    lost = {entry.target for entry in unit.fresh}
    request = CalibrateRequest(
        values=(),
        tasks=tuple(
            task_of(variable.path, variable.of, kind, wanted, lost=True)
            for variable, kind in wanted.slots
            if variable.path in lost
        ),
        data=DataRequest(location=str(folder / "data.npz"), batches=BATCHES),
        folder=str(folder),
        counter="" if wanted.steps is None else wanted.steps.path,
        steps=500,
        follows=unit.rebuilt,
    )
    return replace(request, **given)  # type: ignore[arg-type]


def match_of(path: VariablePath) -> Match:
    return Match(
        target=path,
        sources=(SourceName(path),),
        transform=IDENTITY,
        confidence=Confidence.CERTAIN,
        evidence=(),
    )


def values_of(found: Calibrated) -> dict[str, Array]:
    return {
        file.path: np.fromfile(file.file, np.dtype(file.dtype)).reshape(file.shape)
        for file in found.values
    }


@pytest.mark.parametrize(
    ("keras", "optimizer"),
    [
        pytest.param(*made, id=name, marks=() if name in QUICK else pytest.mark.slow)
        for name, made in OPTIMIZERS.items()
    ],
)
def test_every_optimizer_is_estimated_and_the_model_put_back(
    keras: int, optimizer: str, hosts: dict[int, ChildHost], tmp_path: Path
) -> None:
    data(tmp_path)
    module = {3: "keras", 2: "tf_keras"}[keras]
    first = {3: "keras.Input((3,))", 2: "keras.layers.InputLayer((3,))"}[keras]
    made = f"keras.optimizers.{optimizer}"
    # tf_keras draws from a state that no variable holds.
    rate = {3: 0.5, 2: 0.0}[keras]
    text = RESTLESS.format(keras=module, first=first, optimizer=made, rate=rate)
    architecture = described(hosts[keras], tmp_path, text)
    request = request_of(architecture, tmp_path)
    found = hosts[keras].calibrate(request)
    values = values_of(found)
    assert set(values) >= {task.path for task in request.tasks}
    for task in request.tasks:
        assert np.isfinite(values[task.path]).all()
        assert np.any(values[task.path] != task.initial) or task.role is Role.FIRST
        if task.role in (Role.SECOND, Role.SUM, Role.LARGEST, Role.PEAK):
            assert (values[task.path] >= 0).all()
    counted = any(task.corrected for task in request.tasks)
    assert found.counter == (found.rehearsed if counted else None)
    # Weights, statistics and the state of the dropout: with any of them left, this differs.
    again = values_of(hosts[keras].calibrate(request))
    for path, value in values.items():
        np.testing.assert_array_equal(again[path], value, err_msg=path)


def test_sums_of_squares_are_those_of_the_gradients(
    hosts: dict[int, ChildHost], tmp_path: Path
) -> None:
    x, y = data(tmp_path)
    kernel = np.array([[0.5], [-1.0], [2.0]], "float32")
    (tmp_path / "kernel.bin").write_bytes(kernel.tobytes())
    text = LINEAR.format(optimizer="Adagrad(0.0)")
    architecture = described(hosts[3], tmp_path, text)
    name = next(v.path for v in architecture.weights if v.path.endswith("kernel"))
    file = ValueFile(
        path=name, file=str(tmp_path / "kernel.bin"), dtype="float32", shape=kernel.shape
    )
    request = request_of(architecture, tmp_path, values=(file,))
    found = hosts[3].calibrate(request)
    used = slice(found.frozen, None)
    errors = np.einsum("bni,ij->bnj", x[used], kernel) - y[used]
    gradients = 2 * np.einsum("bni,bnj->bij", x[used], errors) / SIZE
    squares = (gradients.astype("float64") ** 2).mean(0)
    expected = 0.1 + 500 * (squares + squares.mean() / found.rehearsed)
    sums = values_of(found)
    (path,) = (path for path in sums if "kernel" in path)
    np.testing.assert_allclose(sums[path], expected, rtol=1e-5)


FUNCTION = """
import numpy as np
def batches():
    for seed in range({count}):
        x = np.random.default_rng(seed).normal(size=(8, {width})).astype("float32")
        yield x, x[:, :1]
def nothing(argument):
    return []
"""


@pytest.mark.parametrize(
    ("count", "width", "name", "message"),
    [
        (20, 3, "batches", ""),
        (4, 3, "batches", "gives 4 batches; with fewer than 16"),
        (20, 5, "batches", r"x is .*the training step takes"),
        (20, 3, "none", "has no 'none'"),
        (20, 3, "nothing", "needs arguments: argument"),
    ],
)
def test_a_function_yields_batches(
    count: int,
    width: int,
    name: str,
    message: str,
    hosts: dict[int, ChildHost],
    tmp_path: Path,
) -> None:
    text = FUNCTION.format(count=count, width=width)
    (tmp_path / "batches.py").write_text(text, encoding="utf-8")
    architecture = described(hosts[3], tmp_path, LINEAR.format(optimizer="Adam(0.01)"))
    place = DataRequest(location=f"{tmp_path / 'batches.py'}:{name}", batches=BATCHES)
    request = request_of(architecture, tmp_path, data=place)
    if message:
        with pytest.raises(ArchitectureError, match=message):
            hosts[3].calibrate(request)
    else:
        assert hosts[3].calibrate(request).rehearsed == 14


def test_data_that_do_not_fit_are_named(hosts: dict[int, ChildHost], tmp_path: Path) -> None:
    architecture = described(hosts[3], tmp_path, LINEAR.format(optimizer="Adam(0.01)"))
    np.savez(tmp_path / "data.npz", a=np.zeros((4, 3)))
    with pytest.raises(ArchitectureError, match="no x, y; found a"):
        hosts[3].calibrate(request_of(architecture, tmp_path))
    np.savez(tmp_path / "data.npz", x=np.full((400, 3), np.nan), y=np.zeros((400, 1)))
    with pytest.raises(ArchitectureError, match=r"gradient of .* is not finite"):
        hosts[3].calibrate(request_of(architecture, tmp_path))
