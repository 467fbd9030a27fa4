"""Plans in which the mapping engine has a say: what names alone do not bring together."""

import random
from dataclasses import replace

import numpy as np
import pytest

from tests.planning.models import Reading, architecture, batch_norm, dense, store
from tfrepair.core.architecture import Architecture, Role, Variable, VariablePath
from tfrepair.core.plan import Confidence, Plan
from tfrepair.core.tensor import Array, Shape, TensorStore
from tfrepair.planning.build import build_plan

WIDTHS = ((3, 8), (8, 8), (8, 16))
NORM = ("beta", "gamma", "moving_mean", "moving_variance")


def planned(source: TensorStore, arch: Architecture) -> Plan:
    return build_plan(source, arch, Reading(source))


def convolution(path: str, shape: Shape) -> tuple[Variable, ...]:
    kernel = Variable(
        path=VariablePath(f"{path}/kernel"),
        shape=shape,
        dtype="float32",
        trainable=True,
        role=Role.KERNEL,
        layer=path,
        layer_class="Conv2D",
    )
    return (kernel,)


def slim() -> dict[str, Array]:
    """Return the tensors of a small network of TF-Slim."""
    shapes: dict[str, Shape] = {}
    for number, (wide, out) in enumerate(WIDTHS, 1):
        scope = f"net/block{number}/Conv"
        shapes |= {f"{scope}/BatchNorm/{word}": (out,) for word in NORM}
        shapes[f"{scope}/weights"] = (3, 3, wide, out)
    shapes |= {"net/logits/biases": (5,), "net/logits/weights": (1, 1, 16, 5)}
    return {name: np.ones(shape, np.float32) for name, shape in shapes.items()}


def numbered_layers() -> Architecture:
    layers = []
    for number, (wide, out) in enumerate(WIDTHS):
        suffix = f"_{number}" if number else ""
        layers += [
            convolution(f"conv2d{suffix}", (3, 3, wide, out)),
            batch_norm(f"batch_normalization{suffix}", out),
        ]
    return architecture(*layers, dense("predictions", 16, 5))


def test_scopes_of_slim_fill_automatic_names() -> None:
    plan = planned(store(slim()), numbered_layers())
    assert not plan.missing
    assert not plan.ties
    found = {match.target: match for match in plan.matches}
    assert found[VariablePath("conv2d_1/kernel")].source == "net/block2/Conv/weights"
    norm = found[VariablePath("batch_normalization_2/gamma")]
    assert norm.source == "net/block3/Conv/BatchNorm/gamma"
    assert str(found[VariablePath("predictions/kernel")].transform) == "reshape:16,5"
    assert {match.confidence for match in plan.matches} == {Confidence.STRONG}
    assert all(match.evidence for match in plan.matches)


def test_twins_without_a_name_are_tied() -> None:
    towers = {f"{side}/fc_in/weights": np.ones((4, 4), np.float32) for side in ("one", "other")}
    towers |= {f"{side}/fc_out/weights": np.ones((4, 6), np.float32) for side in ("one", "other")}
    arch = architecture(
        *(
            dense(f"{name}/{part}", 4, size)[:1]
            for name in ("upper", "lower")
            for part, size in (("in", 4), ("out", 6))
        )
    )
    plan = planned(store(towers), arch)
    assert not plan.matches
    assert {path for tie in plan.ties for path in tie.targets} == {v.path for v in arch}


def test_a_kernel_of_other_sizes_is_not_turned() -> None:
    source = store({"a/kernel": np.ones((3, 2), np.float32), "a/bias": np.ones(3, np.float32)})
    plan = planned(source, architecture(dense("a", 2, 3)))
    assert [gap.target for gap in plan.missing] == ["a/kernel"]


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_named_tensors_makes_no_difference(seed: int) -> None:
    source = replace(store(slim()), order_is_meaningful=False)
    tensors = list(source.tensors)
    random.Random(seed).shuffle(tensors)  # noqa: S311 - no secret
    first = planned(source, numbered_layers())
    again = planned(replace(source, tensors=tuple(tensors)), numbered_layers())
    assert first.matches == again.matches
    assert first.ties == again.ties
    assert set(first.leftover) == set(again.leftover)
