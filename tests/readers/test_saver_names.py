import pytest

from tfrepair.core.tensor import Purpose, Shape
from tfrepair.readers.saver_names import name_saver_tensors

SHAPES: dict[str, Shape] = {
    "m/w": (3, 2),
    "m/w/Adam": (3, 2),
    "m/w/Adam_1": (3, 2),
    "m/w/AdamG": (3, 2),
    "train/m/w/Momentum": (3, 2),
    "m/w/adam_m": (3, 2),
    "m/w/ExponentialMovingAverage": (3, 2),
    "only/ExponentialMovingAverage": (2,),
    "bn/moving_mean": (4,),
    "bn/moving_mean/biased": (4,),
    "bn/moving_mean/local_step": (),
    "m": (7,),
    "train/beta1_power": (),
    "beta2_power_1": (),
    "global_step": (),
    "step": (5,),
    "lr": (),
    "Adam": (2,),
}


@pytest.mark.parametrize(
    ("name", "purpose", "slot_of"),
    [
        ("m/w", Purpose.UNKNOWN, ""),
        ("m/w/Adam", Purpose.SLOT, "m/w"),
        ("m/w/Adam_1", Purpose.SLOT, "m/w"),
        ("m/w/AdamG", Purpose.SLOT, "m/w"),
        ("train/m/w/Momentum", Purpose.SLOT, "m/w"),
        ("m/w/adam_m", Purpose.SLOT, "m/w"),
        ("m/w/ExponentialMovingAverage", Purpose.AVERAGE, "m/w"),
        ("only/ExponentialMovingAverage", Purpose.AVERAGE, "only"),
        ("bn/moving_mean", Purpose.UNKNOWN, ""),
        ("bn/moving_mean/biased", Purpose.SLOT, "bn/moving_mean"),
        ("bn/moving_mean/local_step", Purpose.SLOT, "bn/moving_mean"),
        ("m", Purpose.UNKNOWN, ""),
        ("train/beta1_power", Purpose.HYPERPARAMETER, ""),
        ("beta2_power_1", Purpose.HYPERPARAMETER, ""),
        ("global_step", Purpose.COUNTER, ""),
        ("step", Purpose.UNKNOWN, ""),
        ("lr", Purpose.HYPERPARAMETER, ""),
        ("Adam", Purpose.UNKNOWN, ""),
    ],
)
def test_purposes(name: str, purpose: Purpose, slot_of: str) -> None:
    found = name_saver_tensors(SHAPES)[name]
    assert (found.purpose, found.slot_of) == (purpose, slot_of)
