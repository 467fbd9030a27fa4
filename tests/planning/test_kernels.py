"""Kernels that may be rotated are asked about."""

from dataclasses import replace

import numpy as np
import pytest

from tests.planning.models import Reading, architecture, dense, store
from tfrepair.core.architecture import Architecture, Role, Variable, VariablePath
from tfrepair.core.plan import Confidence, Plan, Reference
from tfrepair.core.tensor import TensorStore
from tfrepair.planning.build import build_plan
from tfrepair.planning.edited import apply_plan_file
from tfrepair.planning.plan_file import parse_plan, plan_to_toml

KERNEL = np.arange(36, dtype="float32").reshape(3, 3, 2, 2)


def network() -> Architecture:
    conv = Variable(
        path=VariablePath("conv/kernel"),
        shape=KERNEL.shape,
        dtype="float32",
        trainable=True,
        role=Role.KERNEL,
        layer="conv",
        layer_class="Conv2D",
    )
    return architecture((conv,), dense("fc", 4, 2))


def source(backend: str) -> TensorStore:
    values = {"conv/W": KERNEL, "fc/W": np.ones((4, 2), "float32"), "fc/b": np.ones(2, "float32")}
    attributes = {"kernels": backend} if backend else {}
    return replace(store(values), attributes=attributes)


def planned(backend: str) -> Plan:
    weights = source(backend)
    return build_plan(weights, network(), Reading(weights))


@pytest.mark.parametrize("backend", ["", "tensorflow"])
def test_what_is_settled_is_taken(backend: str) -> None:
    assert planned(backend).is_complete


def test_what_was_written_on_theano_is_turned() -> None:
    weights = source("theano")
    plan = build_plan(weights, network(), Reading(weights))
    assert plan.is_complete
    (match,) = [match for match in plan.matches if match.target == "conv/kernel"]
    assert (str(match.transform), match.confidence) == ("flip:0,1", Confidence.STRONG)
    assert "Theano" in match.evidence[-1]
    np.testing.assert_array_equal(match.transform.run(KERNEL), KERNEL[::-1, ::-1])


def test_what_may_be_rotated_is_a_tie() -> None:
    plan = planned("unknown")
    (tie,) = plan.ties
    assert (tie.targets, tie.sources) == (("conv/kernel",), ("conv/W",))
    assert {match.target for match in plan.matches} == {"fc/kernel", "fc/bias"}
    (finding,) = [found for found in plan.findings if found.code == "kernels-in-doubt"]
    assert 'transform = "flip:0,1"' in finding.remedy


def test_a_person_settles_it_in_the_plan() -> None:
    weights, arch = source("unknown"), network()
    reference = Reference(path="w", digest="d" * 64)
    plan = planned("unknown").with_references(reference, reference)
    line = '"conv/kernel" = { from = "conv/W", transform = "flip:0,1" }'
    text = plan_to_toml(plan).replace("[map]", f"[map]\n{line}", 1)
    text = "\n".join(row for row in text.split("\n") if row != '"conv/kernel" = ["conv/W"]')
    edited = apply_plan_file(parse_plan(text, "plan.toml"), plan, weights, arch, Reading(weights))
    assert edited.is_complete
    (match,) = [match for match in edited.matches if match.target == "conv/kernel"]
    turned = match.transform.run(weights["conv/W"].fetch())
    np.testing.assert_array_equal(turned, KERNEL[::-1, ::-1])
