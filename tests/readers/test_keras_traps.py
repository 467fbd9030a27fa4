from typing import Any

import numpy as np
import pytest

import tfrepair
from tests.readers.keras_goldens import FOLDER
from tfrepair.core.tensor import Purpose
from tfrepair.readers.h5_tree import H5Dataset
from tfrepair.readers.keras_averages import holds_averages
from tfrepair.readers.keras_traps import OptimizerFacts, another_class, trap_findings

SLOTS = tuple(f"optimizer/vars/{n}" for n in range(4))
ADAM = {"optimizer": {"class_name": "Adam", "config": {"name": "adam"}}}


def found(**facts: Any) -> list[str]:
    given = {"layout": "paths", "paths": SLOTS, "training": ADAM, **facts}
    every = (another_class, trap_findings)
    return [f.code for ask in every for f in ask(OptimizerFacts(**given), "w")]


@pytest.mark.parametrize(
    ("facts", "codes"),
    [
        ({}, []),
        ({"stored_name": "adam_1"}, []),
        ({"stored_name": "sgd"}, ["optimizer-of-another-class"]),
        ({"paths": (), "stored_name": "sgd"}, []),
        ({"training": None}, ["optimizer-needs-build"]),
        ({"paths": (*SLOTS, "optimizer/inner_optimizer/vars/0")}, ["loss-scale-optimizer"]),
        (
            {"training": {"optimizer": {"class_name": "Nadam"}}, "version": "3.6.0"},
            ["nadam-order"],
        ),
        ({"training": {"optimizer": {"class_name": "Nadam"}}, "version": "3.15.1"}, []),
        ({"layout": "lists"}, ["slots-dropped-by-keras-3"]),
        ({"layout": "lists", "paths": (), "training": {"loss": {"a": "mse"}}}, ["loss-alias"]),
        ({"layout": "lists", "paths": (), "training": {"loss": "mean_squared_error"}}, []),
    ],
)
def test_traps(facts: dict[str, Any], codes: list[str]) -> None:
    assert found(**facts) == codes


def test_a_checkup_tells_what_keras_would_drop() -> None:
    checkup = tfrepair.check(FOLDER / "keras3" / "cnn.h5")
    (save,) = checkup.saves
    assert "slots-dropped-by-keras-3" in {cause.code for cause in save.causes}
    assert checkup.exit_code == 0


@pytest.mark.parametrize("case", ["cnn", "nested", "both"])  # rnn has a frozen layer: a tie
def test_slots_of_weights_files_are_told_from_averages_by_their_values(case: str) -> None:
    """The archive has the configuration, the weights file does not: both must say the same."""
    folder = FOLDER / "keras3"
    known = {
        t.origin.key: (t.slot, t.slot_of.rpartition("/")[0])
        for t in tfrepair.open(folder / f"{case}.keras")
        if t.purpose is Purpose.SLOT
    }
    found = {
        t.origin.key: (t.slot, t.slot_of.rpartition("/")[0])
        for t in tfrepair.open(folder / f"{case}.weights.h5")
        if t.purpose is Purpose.SLOT
    }
    assert found == known
    assert all(slot for slot, _ in found.values())


def h5(value: Any, name: str = "x") -> H5Dataset:
    array = np.asarray(value, "float32")
    return H5Dataset(
        path=name,
        shape=array.shape,
        dtype="float32",
        nbytes=array.nbytes,
        file="w",
        offset=None,
        fetch=lambda: array,
    )


def test_averages_are_close_to_their_weights() -> None:
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=(4, 3)) for _ in range(5)]
    trained = [h5(weight) for weight in weights]
    head = [h5(3.0), h5(0.1)]
    near = [h5(weight * 1.02) for weight in weights]
    far = [h5(rng.normal(size=(4, 3)) * 0.01) for _ in weights]
    between = [h5(weight * 0.5) for weight in weights]
    assert holds_averages([*head, *near], trained) is True
    assert holds_averages([*head, *far], trained) is False
    assert holds_averages([*head, *between], trained) is None
    assert holds_averages([*head, *near[:3]], trained) is None
    assert holds_averages([*head, *near], [h5(np.zeros((4, 3)))] * 5) is None
