from typing import Any

import pytest

import tfrepair
from tests.readers.keras_goldens import FOLDER
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
