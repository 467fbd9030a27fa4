"""The drawing of ``prove``, and what it refuses before it starts TensorFlow."""

import math
from pathlib import Path

import pytest

from tfrepair.api.proving import Proof, prove
from tfrepair.cli.proving import drawn, told
from tfrepair.core.curves import Curve
from tfrepair.core.errors import SourceError, UsageError

GOOD = Curve(label="out", losses=tuple(1.0 - i / 300 for i in range(200)))
WORSE = Curve(label="slots at zero", losses=tuple(1.5 - i / 300 for i in range(200)))


def test_both_curves_are_drawn_and_told_apart() -> None:
    lines = drawn(GOOD, WORSE, width=40, height=8)
    assert len(lines) == 8 + 3
    assert all(len(line) <= 12 + 40 for line in lines[:-1])
    assert "·" in lines[0]
    assert any(0x2800 < ord(letter) <= 0x28FF for letter in lines[7])
    assert "out" in lines[-1]
    assert "slots at zero" in lines[-1]


@pytest.mark.parametrize("losses", [(1.0,), (1.0, 1.0), (math.nan,) * 3, (1.0, math.inf, 2.0)])
def test_any_losses_can_be_drawn(losses: tuple[float, ...]) -> None:
    curve = Curve(label="out", losses=losses)
    assert drawn(curve, curve)


def test_the_numbers_are_told() -> None:
    proof = Proof(model="out", curve=GOOD, reference=WORSE, digest="0")
    assert told(proof)[-1] == ("apart over 200 steps: deviation 100, excess -100, bump -0.5")


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(UsageError, match="there is no such file"):
        prove(tmp_path / "model", str(tmp_path / "none.npz"))
    with pytest.raises(UsageError, match=r"neither an \.npz nor module:function"):
        prove(tmp_path / "model", "data")
    with pytest.raises(SourceError, match=r"no saved_model\.pb"):
        prove(tmp_path / "model", "data:batches")
    with pytest.raises(UsageError, match="no such directory"):
        prove(tmp_path / "none", "data:batches")
    with pytest.raises(UsageError, match="at least 1"):
        prove(tmp_path / "model", "data:batches", steps=0)
