from dataclasses import replace

import numpy as np
import pytest

from tests.planning.models import Reading, architecture, dense, store
from tfrepair.core.errors import Incomplete
from tfrepair.core.tensor import Array, Purpose, TensorStore
from tfrepair.planning.build import build_plan

ARCH = architecture(dense("fc", 3, 2))
VALUES: dict[str, Array] = {
    "fc/weights": np.full((3, 2), 1.0, "float32"),
    "fc/biases": np.full(2, 2.0, "float32"),
    "fc/weights/ExponentialMovingAverage": np.full((3, 2), 3.0, "float32"),
}


def trained() -> TensorStore:
    plain = store(VALUES)
    tensors = tuple(
        replace(t, purpose=Purpose.AVERAGE, slot="ExponentialMovingAverage", slot_of="fc/weights")
        if t.name.endswith("Average")
        else t
        for t in plain
    )
    return replace(plain, tensors=tensors)


def test_without_asking_the_weights_are_taken() -> None:
    source = trained()
    plan = build_plan(source, ARCH, Reading(source))
    assert [match.source for match in plan.matches] == ["fc/weights", "fc/biases"]
    assert [left.source for left in plan.leftover] == ["fc/weights/ExponentialMovingAverage"]


def test_averages_are_taken_under_their_own_name() -> None:
    source = trained()
    plan = build_plan(source, ARCH, Reading(source), use_averages=True)
    assert plan.is_complete
    assert [match.source for match in plan.matches] == [
        "fc/weights/ExponentialMovingAverage",
        "fc/biases",
    ]
    assert plan.matches[0].evidence[0] == "moving average of fc/weights"
    (left,) = plan.leftover
    assert left.source == "fc/weights"
    assert "--use-ema" in left.reason
    (finding,) = [found for found in plan.findings if found.code == "no-average"]
    assert "1 of 2 weights" in finding.message
    assert "fc/biases" in finding.message


def test_a_source_without_averages_is_refused() -> None:
    source = store({name: VALUES[name] for name in ("fc/weights", "fc/biases")})
    with pytest.raises(Incomplete, match="--use-ema"):
        build_plan(source, ARCH, Reading(source), use_averages=True)
