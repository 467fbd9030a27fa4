"""A TensorFlow 1 graph and its own checkpoint: everything goes by equal names."""

from dataclasses import replace

import numpy as np
import pytest

from tfrepair.core.architecture import Architecture, Variable, VariableKind, VariablePath
from tfrepair.core.plan import Confidence, Plan
from tfrepair.core.statistics import Statistics, statistics_of
from tfrepair.core.tensor import Origin, Purpose, SourceName, Tensor, TensorStore
from tfrepair.core.transform import Transform
from tfrepair.planning.build import build_plan
from tfrepair.planning.edited import apply_plan_file
from tfrepair.planning.plan_file import parse_plan, plan_to_toml

SLOT, STEP = "dense/kernel/Momentum", "global_step"


def variable(
    path: str, shape: tuple[int, ...], kind: VariableKind, dtype: str = "float32"
) -> Variable:
    return Variable(path=VariablePath(path), shape=shape, dtype=dtype, trainable=False, kind=kind)


def tensor(name: str, shape: tuple[int, ...], purpose: Purpose, dtype: str = "float32") -> Tensor:
    return Tensor(
        name=SourceName(name),
        shape=shape,
        dtype=dtype,
        nbytes=4,
        origin=Origin(path="model.ckpt"),
        fetch=lambda: np.zeros(shape, dtype),
        purpose=purpose,
    )


ARCHITECTURE = Architecture(
    framework="graph1",
    name="model.ckpt",
    class_name="MetaGraphDef",
    source="model.ckpt.meta",
    digest="d",
    variables=(
        variable("dense/kernel", (2, 3), VariableKind.WEIGHT),
        variable(SLOT, (2, 3), VariableKind.OPTIMIZER),
        variable(STEP, (), VariableKind.OPTIMIZER, "int64"),
    ),
)
TENSORS = (
    tensor("dense/kernel", (2, 3), Purpose.UNKNOWN),
    tensor(SLOT, (2, 3), Purpose.SLOT),
    tensor(STEP, (), Purpose.COUNTER, "int64"),
)


def store(*tensors: Tensor) -> TensorStore:
    return TensorStore(
        path="model.ckpt",
        files=("model.ckpt.index",),
        format="tensor_bundle",
        tensors=tensors,
        names_are_meaningful=True,
        order_is_meaningful=False,
    )


def statistics(_name: SourceName, _transform: Transform) -> Statistics:
    return statistics_of(np.ones(3, "float32"))


def planned(*tensors: Tensor, architecture: Architecture = ARCHITECTURE) -> Plan:
    return build_plan(store(*tensors), architecture, statistics)


def test_equal_names_fill_the_state() -> None:
    plan = planned(*TENSORS)
    assert {m.target: m.confidence for m in plan.matches} == dict.fromkeys(
        ("dense/kernel", SLOT, STEP), Confidence.CERTAIN
    )
    assert (plan.leftover, plan.missing, plan.findings) == ((), (), ())


@pytest.mark.parametrize(
    "slot",
    [
        tensor(SLOT, (3, 2), Purpose.SLOT),
        tensor(SLOT, (2, 3), Purpose.SLOT, "float64"),
        tensor(SLOT + "_1", (2, 3), Purpose.SLOT),
    ],
    ids=["shape", "type", "name"],
)
def test_what_differs_is_left_and_said(slot: Tensor) -> None:
    plan = planned(TENSORS[0], slot, TENSORS[2])
    assert [left.source for left in plan.leftover] == [slot.name]
    (finding,) = plan.findings
    assert (finding.code, finding.where) == ("fresh-training-state", SLOT)
    assert plan.is_complete


def test_other_architectures_have_names_of_their_own() -> None:
    plan = planned(*TENSORS, architecture=replace(ARCHITECTURE, framework="module"))
    assert [match.target for match in plan.matches] == ["dense/kernel"]
    assert len(plan.leftover) == 2


def test_the_plan_file_holds_the_state_too() -> None:
    plan = planned(*TENSORS)
    edited = parse_plan(plan_to_toml(plan), "plan.toml")
    assert apply_plan_file(edited, plan, store(*TENSORS), ARCHITECTURE, statistics) == plan


def test_names_that_only_count_are_names_all_the_same() -> None:
    """``tf.Variable`` without a name: the order in the file is that of the alphabet."""
    names = ["Variable", *(f"Variable_{place}" for place in range(1, 12))]
    graph = replace(
        ARCHITECTURE,
        variables=tuple(variable(name, (2,), VariableKind.WEIGHT) for name in names),
    )
    plan = planned(
        *(tensor(name, (2,), Purpose.UNKNOWN) for name in sorted(names)), architecture=graph
    )
    assert [(m.target, m.source) for m in plan.matches] == list(zip(names, names, strict=True))
    assert {match.confidence for match in plan.matches} == {Confidence.CERTAIN}


def test_other_sources_are_planned_as_for_any_architecture() -> None:
    other = tensor("kernel", (2, 3), Purpose.UNKNOWN)
    plan = planned(other)
    assert [(m.target, m.source) for m in plan.matches] == [("dense/kernel", "kernel")]
    assert plan.matches[0].confidence is not Confidence.CERTAIN
