"""The optimizers of real files: nothing of them stays unread."""

from pathlib import Path

import pytest

import tfrepair
from tfrepair.planning.stored_optimizer import family_named
from tfrepair.planning.stored_optimizers import stored_optimizers

GOLDEN = Path(__file__).parents[1] / "golden"
KERAS = sorted(
    file
    for file in (GOLDEN / "keras").glob("*/*")
    if file.suffix in (".h5", ".keras") and "only" not in file.name and "weights" not in file.name
)
FAMILIES = {"cnn": "adam", "nested": "sgd", "rnn": "rmsprop", "both": "adam"}


@pytest.mark.parametrize("file", KERAS, ids=lambda file: f"{file.parent.name}-{file.name}")
def test_keras_files_of_every_version(file: Path) -> None:
    (found,) = stored_optimizers(tfrepair.open(file))
    is_old = file.parent.name.startswith(("keras1", "keras2_0"))
    expected = "adagrad" if is_old and file.stem == "both" else FAMILIES[file.stem]
    assert found.family is not None
    assert found.family.name == expected
    assert found.slots
    assert not found.unread


@pytest.mark.parametrize("file", ["tf2_3/keras_checkpoint", "tf2_21/keras3_checkpoint",
                                  "tf2_21/keras_checkpoint"])  # fmt: skip
def test_object_based_checkpoints(file: str) -> None:
    (found,) = stored_optimizers(tfrepair.open(GOLDEN / "tf_checkpoint" / file))
    assert (found.title, len(found.slots), found.unread) == ("Adam", 14, ())
    assert "learning_rate" in found.scalars


@pytest.mark.parametrize("file", ["tf1_4/training.v1", "tf1_15/training.v2"])
def test_six_optimizers_of_tensorflow_1(file: str) -> None:
    found = stored_optimizers(tfrepair.open(GOLDEN / "tf_checkpoint" / file))
    slots = {optimizer.title: len(optimizer.slots) for optimizer in found}
    assert slots == {
        "Adam": 6, "Momentum": 1, "RMSProp": 3, "Adagrad": 1, "Adadelta": 2, "Ftrl": 2,
    }  # fmt: skip
    assert not any(optimizer.unread for optimizer in found)
    (adam,) = (optimizer for optimizer in found if optimizer.title == "Adam")
    assert [tuple(t.name for t in pair if t) for pair in adam.powers] == [
        ("beta1_power", "beta2_power")
    ]


def test_names_of_classes_and_of_instances() -> None:
    for name in ("AdamW", "adam_w", "adamw_1", "adam_w_2"):
        family = family_named(name)
        assert family is not None
        assert family.name == "adamw"
    assert family_named("RectifiedAdam") is None
    assert family_named("") is None
