import subprocess
import sys
from pathlib import Path

import pytest

from tfrepair.core.tensor import Purpose, Tensor
from tfrepair.readers.registry import open_source

SCRIPT = Path(__file__).parents[2] / "scripts" / "make_golden" / "tf_optimizers.py"
WEIGHTS = {
    "hidden/kernel", "hidden/bias", "bn/gamma", "bn/beta", "bn/moving_mean",
    "bn/moving_variance", "out/kernel", "out/bias",
}  # fmt: skip
TRAINED = {name for name in WEIGHTS if "moving" not in name}


def short(name: str) -> str:
    return name.removeprefix("net/")


def problems(prefix: Path) -> list[str]:
    """Return what is wrong with the names of one save."""
    tensors = list(open_source(prefix))
    found = []
    if {short(t.name) for t in tensors if t.may_be_weight} != WEIGHTS:
        found.append(f"weights {[t.name for t in tensors if t.may_be_weight]}")
    slots = [t for t in tensors if t.purpose in (Purpose.SLOT, Purpose.AVERAGE)]
    lost = [t.name for t in slots if short(t.slot_of) not in TRAINED]
    if lost:
        found.append(f"slots of no variable: {lost}")
    if {short(t.slot_of) for t in slots if t.slot_of} != TRAINED:
        found.append(f"variables without a slot among {[t.name for t in slots]}")
    if len({(t.slot, t.slot_of) for t in slots}) != len(slots):
        found.append("two slots of one name")
    if not any(t.purpose is Purpose.COUNTER for t in tensors):
        found.append("no counter")
    return found + averages(prefix, slots)


def averages(prefix: Path, slots: list[Tensor]) -> list[str]:
    count = sum(slot.purpose is Purpose.AVERAGE for slot in slots)
    expected = len(TRAINED) if prefix.name.endswith("average") else 0
    return [] if count == expected else [f"{count} averages, expected {expected}"]


@pytest.mark.tf
def test_slots_of_every_optimizer_are_told_from_weights(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    saves = sorted(path.with_suffix("") for path in tmp_path.glob("*.index"))
    assert len(saves) == 32
    assert {save.name: problems(save) for save in saves if problems(save)} == {}
